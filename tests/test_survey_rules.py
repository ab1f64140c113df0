"""The cleaning rule: hard and soft parts, what each would cost, and its figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cjlib.definitions import Cleaning
from cjlib.errors import JourneyError, StudyError
from cjlib.study import load_study
from cjlib.survey import (
    clean_answers,
    describe_rule,
    preview_rules,
    read_answers,
    replay_ledger,
    stricter,
)
from cjlib.survey.rules import find_hits, trace_flow

HEADER = "ID,Took," + ",".join(f"q{i}" for i in range(8)) + ",careful,nps"
CODEBOOK = ["person,ID,id,,,,,", "seconds,Took,duration,,,,,"]
CODEBOOK += [f"q{i},,scale,1,5,{'yes' if i % 2 else ''},," for i in range(8)]
CODEBOOK += ["careful,,check,1,5,,,3", "nps,,scale,0,10,,nps,"]
STUDY = """
study: 1
id: trial
title: Trial
brand: Trial
language: en
privacy: {{key: public}}
stages: [{{id: buy, label: Buy}}, {{id: use, label: Use}}]
survey:
  waves: [{{id: w, files: [w.csv]}}]
  cleaning: {{{cleaning}}}
scales: {{a: [q0, q1], b: [q2, q3], c: [q4, q5], d: [q6, q7]}}
"""
SOFT = "seconds_per_item: 2, longstring_share: 0.5, person_total: -0.5, duplicates: false"


def alike(people, rng):
    """Four pairs of items that mean the same, answered with little noise; pair 4 is opposite."""
    traits = rng.normal(size=(people, 4))
    both = np.repeat(traits, 2, axis=1) + 0.3 * rng.normal(size=(people, 8))
    matrix = np.clip(np.round(3 + 1.2 * both), 1, 5)
    matrix[:, 1::2] = 6 - matrix[:, 1::2]
    return matrix


@pytest.fixture
def write_study(tmp_path):
    """120 careful people, and after them: fast; one run; fast and one run; a failed check."""

    def write(cleaning):
        matrix = alike(124, np.random.default_rng(5)).astype(int)
        matrix[[121, 122]] = 2
        nps = np.random.default_rng(6).integers(5, 11, size=124)
        seconds = np.full(124, 90)
        seconds[[120, 122]] = 9
        lines = [
            f"{n},{seconds[n]},{','.join(map(str, row))},{1 if n == 123 else 3},{nps[n]}"
            for n, row in enumerate(matrix)
        ]
        (tmp_path / "w.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
        fields = "name,source,kind,low,high,reverse,metric,check"
        book = "\n".join([fields, *CODEBOOK])
        (tmp_path / "codebook.csv").write_text(book, encoding="utf-8")
        text = STUDY.format(cleaning=cleaning)
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        return load_study(tmp_path)

    return write


def test_one_soft_rule_suffices_unless_more_are_asked_for(write_study):
    one = clean_answers(write_study(f"{SOFT}, failed_checks: 1"))
    study = write_study(f"{SOFT}, failed_checks: 1, at_least: 2")
    two = clean_answers(study)

    assert {120, 121, 122, 123} <= set(np.flatnonzero(one.quality["removed"]))
    assert np.flatnonzero(two.quality["removed"]).tolist() == [122, 123]
    gone = two.ledger[two.ledger["action"].eq("removed")]
    assert gone["rule"].tolist()[0].startswith("seconds_per_item; longstring_share")
    assert gone["rule"].tolist()[1].startswith("failed_checks")
    assert two.flow["step"].tolist() == ["read", "failed_checks", "soft_rules", "analysed"]
    assert two.flow["removed"].tolist() == [0, 1, 1, 0]
    assert two.flow["rows"].tolist() == [124, 123, 122, 122]
    assert "at least 2 of: seconds_per_item less than 2" in two.flow["threshold"][2]
    raw = read_answers(study)
    replayed = replay_ledger(raw, two.ledger, codebook=study.codebook)
    assert len(replayed) == len(two.respondents) == 122
    said = describe_rule(study.cleaning)
    assert said.startswith("removed for any of: 1 or more attention checks failed; or for at least")
    assert "2 of these: under 2 seconds per item; 50% of the rated items in one equal run" in said


def test_faults_of_the_rule_are_named_with_their_line(write_study):
    with pytest.raises(StudyError, match=r"at_least: 2 with 1 soft rule\(s\) in use"):
        write_study("synonyms: 0.1, at_least: 2")
    with pytest.raises(StudyError, match="even_odd"):
        write_study("even_odd: 30")
    with pytest.raises(StudyError, match="synonyms"):
        write_study("synonym: 0.1")
    with pytest.raises(JourneyError, match="Lower at_least"):
        find_hits(
            pd.DataFrame({"irv": [1.0]}), cleaning=Cleaning(irv=1, duplicates=False, at_least=3)
        )


LIMITS = {
    "seconds_per_item": st.floats(0.1, 5), "longstring_share": st.floats(0.1, 1),
    "failed_checks": st.integers(1, 2), "missing_share": st.floats(0.05, 1),
    "irv": st.floats(0.05, 2), "mahalanobis_p": st.floats(1e-4, 0.5),
    "even_odd": st.floats(-1, 1), "synonyms": st.floats(-1, 1), "antonyms": st.floats(-1, 1),
    "person_total": st.floats(-1, 1),
}  # fmt: skip
SOFT_NAMES = [name for name in LIMITS if name not in ("failed_checks", "missing_share")]
rules = st.fixed_dictionaries({}, optional=LIMITS).flatmap(
    lambda given: st.integers(1, max(1, sum(n in given for n in SOFT_NAMES))).map(
        lambda k: Cleaning(**given, at_least=k, duplicates=False)
    )
)


@settings(max_examples=20)
@given(rules, st.integers(0, 2**20))
def test_laws_of_the_rule(cleaning, seed):
    """A slow second count; the flow adds up; a stricter rule lets nobody back in."""
    rng = np.random.default_rng(seed)
    quality = pd.DataFrame({name: rng.uniform(-1, 1, 60) for name in LIMITS})
    quality = quality.mask(rng.random(quality.shape) < 0.2)
    quality["duplicate_of"] = pd.array([pd.NA] * 60, dtype="string")
    hits = find_hits(quality, cleaning=cleaning)
    removed = hits.removed.to_numpy()
    for at, row in enumerate(quality[list(LIMITS)].to_dict("records")):
        soft, hard = 0, False
        for name in LIMITS:
            limit, value = getattr(cleaning, name), row[name]
            if limit is None or np.isnan(value):
                continue
            over = name in ("missing_share", "antonyms")
            reach = name in ("failed_checks", "longstring_share")
            hit = value > limit if over else value >= limit if reach else value < limit
            soft += hit and name in SOFT_NAMES
            hard |= hit and name not in SOFT_NAMES
        used = any(getattr(cleaning, name) is not None for name in SOFT_NAMES)
        assert removed[at] == (hard or (used and soft >= cleaning.at_least))
    flow = trace_flow(hits)
    assert flow["removed"].sum() == hits.removed.sum()
    assert flow["rows"].iloc[-1] == 60 - hits.removed.sum()
    strict = find_hits(quality, cleaning=stricter(cleaning))
    assert not (hits.removed & ~strict.removed).any()


# --- the preview


def test_preview_by_hand(write_study):
    survey = clean_answers(write_study("seconds_per_item: 2, longstring_share: 0.5"))
    found = preview_rules(survey)
    table = found.table.set_index("rule")

    assert table.index[:3].tolist() == ["duplicate", "seconds_per_item", "longstring_share"]
    assert table["used"].tolist() == [True] * 3 + [False] * 8
    assert table.loc["seconds_per_item", ["hit", "known"]].tolist() == [2, 124]
    run = int(table.loc["longstring_share", "hit"])
    quality = survey.quality
    assert run == (quality["longstring_share"] >= 0.5).sum()
    assert found.overlap.loc["seconds_per_item", "longstring_share"] == 1
    assert table.loc["seconds_per_item", "alone"] == 1
    assert table.loc["longstring_share", ["alone", "cumulative"]].tolist() == [run - 1, run + 1]
    assert found.removed == run + 1 == quality["removed"].sum()
    assert table.loc["failed_checks", ["hit", "alone"]].tolist() == [1, 1]
    share = table.loc["failed_checks"]
    assert (share["low"], share["high"]) == pytest.approx(
        stats.binomtest(1, 124).proportion_ci(method="wilson"), abs=1e-12
    )
    assert table.loc["mahalanobis_p", "limit"] == "less than 0.001"
    assert table.loc["irv", "limit"] == "less than 0.0625"  # two widths of scale: shares of them
    effects = found.effects.set_index("rule")
    left = survey.everyone[~quality["seconds_per_item"].lt(2)]["nps"]
    net = 100 * ((left >= 9).mean() - (left <= 6).mean())
    assert effects.loc["seconds_per_item", "estimate"] == pytest.approx(net)
    base = effects.loc["none"]
    change = effects.loc["seconds_per_item", "change"]
    assert change == pytest.approx(net - base["estimate"])
    half = (base["high"] - base["low"]) / 2
    assert effects.loc["seconds_per_item", "distance"] == pytest.approx(change / half)
    assert f"{run + 1} of 124 respondents leave" in found.summary()


def test_effects_are_told_wave_by_wave(write_study):
    """The same people told apart into two waves: each number rests on its own wave only."""
    survey = clean_answers(write_study("seconds_per_item: 2, longstring_share: 0.5"))
    waves = pd.Series(["a"] * 62 + ["b"] * 62, dtype="string")
    parted = replace(survey, everyone=survey.everyone.assign(wave=waves))
    effects = preview_rules(parted).effects.set_index(["rule", "wave"])["n"]

    hit = survey.quality["longstring_share"].ge(0.5)
    for wave in ("a", "b"):
        own = waves.eq(wave)
        assert effects["none", wave] == 62
        assert effects["longstring_share", wave] == 62 - (hit & own).sum()


def test_preview_says_what_nobody_has(write_study):
    """No person has a duration: the rule of speed has no share, and its bar says so."""
    survey = clean_answers(write_study("duplicates: false"))
    blind = survey.quality.assign(seconds_per_item=np.nan)
    found = preview_rules(replace(survey, quality=blind), cleaning=Cleaning(even_odd=0.0))
    speed = found.table.set_index("rule").loc["seconds_per_item"]
    assert (speed["known"], speed["hit"]) == (0, 0)
    assert np.isnan(speed["estimate"])
    for language, said in (("en", "not known for anybody"), ("fa", "برای هیچ‌کس معلوم نیست")):
        ax = replace(found, language=language).plot()
        assert said in " ".join(text.get_text() for text in ax.texts)


def test_a_rule_without_its_index_is_said(write_study):
    """Items worded both ways: no antonyms are missing; four scales give even-odd."""
    study = write_study("even_odd: 0, synonyms: 0, duplicates: false")
    few = replace(study, scales={"a": ("q0", "q1")})

    assert clean_answers(study).warnings == ()
    assert clean_answers(few).warnings == (
        "even_odd is not known for anybody in wave w: it needs 3 scales of two items (scales in "
        "study.yaml, or group).",
    )


def test_the_figure_shows_the_table(write_study):
    found = preview_rules(clean_answers(write_study("seconds_per_item: 2, failed_checks: 1")))
    ax = found.plot()
    drawn = {}
    for bars in ax.containers:
        for bar in bars:
            place = round(bar.get_y() + bar.get_height() / 2)
            drawn.setdefault(place, []).append(bar.get_width())
    for place, row in enumerate(found.table.itertuples()):
        assert drawn[place] == [row.hit, row.alone]
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels[:3] == ["second answer in the wave", "attention checks failed", "speed"]
