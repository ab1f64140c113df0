"""The shipped study: the same bytes every time, the dirt that was meant, the effects planted."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from cjlib.simulate import truth_tables, write_study
from cjlib.simulate.files import COPIED
from cjlib.simulate.log import read_moves
from cjlib.simulate.parameters import NEEDS, PERSONAS, read_stock
from cjlib.study import read_study

WORDS = {
    "اصلاً مهم نیست": 1, "کم‌اهمیت": 2, "متوسط": 3, "مهم": 4, "خیلی مهم": 5,
    "Not at all important": 1, "Slightly important": 2, "Moderately important": 3,
    "Important": 4, "Very important": 5,
    "خیلی ناراضی": 1, "ناراضی": 2, "نه راضی نه ناراضی": 3, "راضی": 4, "خیلی راضی": 5,
    "Very dissatisfied": 1, "Dissatisfied": 2, "Neither satisfied nor dissatisfied": 3,
    "Satisfied": 4, "Very satisfied": 5,
}  # fmt: skip
LETTERS = str.maketrans("يك۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "یک01234567890123456789")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "sepidar"
    (folder / "map").mkdir(parents=True)
    (folder / "map" / "mine.json").write_text("{}", encoding="utf-8")
    return write_study(folder)


@pytest.fixture(scope="module")
def truth():
    return truth_tables()


@pytest.fixture(scope="module")
def raw(sepidar):
    """Both waves as text, under the names of the codebook."""
    study, _ = read_study(sepidar)
    waves = {}
    for wave, encoding, separator, skip in (
        ("autumn", "utf-8-sig", ",", 2),
        ("spring", "utf-8", ";", 0),
    ):
        frame = pd.read_csv(
            sepidar / "survey" / f"{wave}.csv", sep=separator, encoding=encoding, dtype=str,
            keep_default_na=False,
        ).iloc[skip:]  # fmt: skip
        names = {i.headers(wave)[0]: i.name for i in study.codebook.items if i.headers(wave)}
        assert list(names) == list(frame.columns)
        waves[wave] = frame.rename(columns=names).reset_index(drop=True)
    return waves


@pytest.fixture(scope="module")
def events(sepidar):
    frame = pd.read_csv(sepidar / "events.csv.gz", dtype={"customer": str}, keep_default_na=True)
    return frame.assign(when=pd.to_datetime(frame["when"]))


def scores(column: pd.Series) -> pd.Series:
    """Read scale answers the short way, apart from cjlib.language."""
    words = {word.replace("\u200c", " "): code for word, code in WORDS.items()}
    plain = column.map(lambda t: t.translate(LETTERS).replace("\u200c", " ").strip())
    numbers = pd.to_numeric(plain, errors="coerce")
    return numbers.where(numbers.between(1, 5)).fillna(plain.map(words))


def unpack(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def test_the_shipped_files_are_the_generated_ones(made, sepidar):
    names = sorted(p.relative_to(made).as_posix() for p in made.rglob("*") if p.is_file())
    names.remove("map/mine.json")
    shipped = [p for p in sepidar.rglob("*") if p.is_file()]
    drawn = [p for p in shipped if p.parent.name in ("survey", "interviews")]

    assert {p.relative_to(sepidar).as_posix() for p in drawn} <= set(names)
    assert len(names) == 8 + 2 + 25 + 3  # copied, waves, interviews with people, the rest
    for name in names:
        assert unpack(made / name) == unpack(sepidar / name), (
            f"{name} differs from what write_study makes; run write_study('data/sepidar'), or "
            "bring a change by hand into cjlib/simulate/stock"
        )


def test_the_packed_log_hides_no_time_or_name(made, sepidar):
    for folder in (made, sepidar):
        head = (folder / "events.csv.gz").read_bytes()[:10]

        assert head[3] == 0  # no file name
        assert head[4:8] == bytes(4)  # no time


@pytest.mark.slow
def test_same_seed_same_bytes_other_seed_others(made, tmp_path):
    again = write_study(tmp_path / "again")
    other = write_study(tmp_path / "other", seed=7)

    for file in ("events.csv.gz", "survey/autumn.csv", "survey/spring.csv", "coding.csv"):
        assert (made / file).read_bytes() == (again / file).read_bytes()
        assert unpack(made / file) != unpack(other / file)


def test_files_of_others_in_the_folder_stay(made):
    assert (made / "map" / "mine.json").read_text(encoding="utf-8") == "{}"


def test_the_study_is_valid_and_its_truth_stays_outside(sepidar):
    study, faults = read_study(sepidar)

    assert faults == []
    assert study.simulated
    for name in ("survey/autumn.csv", "survey/spring.csv", "interviews/people.csv"):
        text = (sepidar / name).read_text(encoding="utf-8-sig")
        assert "persona" not in text.splitlines()[0]
        assert not any(persona in text for persona in PERSONAS)


def test_rows_and_their_truth(raw, truth, sepidar):
    respondents = truth["respondents"]
    for wave, frame in raw.items():
        own = respondents[respondents["wave"].eq(wave)]
        assert len(frame) == 614
        assert own["raw_id"].tolist() == frame["respondent"].tolist()
        assert frame["customer"].str.startswith("SP-").mean() == pytest.approx(0.84, abs=0.04)
    kinds = respondents["kind"].value_counts()
    assert kinds["careful"] == 1058
    assert kinds.drop("careful").between(15, 45).all()
    people = pd.read_csv(sepidar / "interviews" / "people.csv")
    assert people["language"].value_counts().to_dict() == {"en": 12, "fa": 12}
    assert people["consent"].eq("no").sum() == 1
    assert people["file"].str.rsplit(".").str[-1].value_counts().to_dict() == dict.fromkeys(
        ("txt", "md", "vtt", "srt"), 6
    )


def test_personas_have_their_sizes_and_can_be_found_again_but_not_easily(raw, truth):
    shares = truth["customers"]["persona"].value_counts(normalize=True)
    assert {p: shares[p] for p in PERSONAS} == {p: k.share for p, k in PERSONAS.items()}
    answers = pd.concat(raw.values(), ignore_index=True)
    needs = pd.DataFrame({n: scores(answers[f"need_{n}"]) for n in NEEDS})
    careful = truth["respondents"]["kind"].eq("careful") & needs.notna().all(axis=1)
    centred = needs[careful].sub(needs[careful].mean(axis=1), axis=0)
    found = KMeans(4, n_init=10, random_state=0).fit_predict(centred.to_numpy())

    agreement = adjusted_rand_score(truth["respondents"].loc[careful, "persona"], found)
    assert 0.7 < agreement < 0.9


def test_planted_delivery_is_better_in_spring_and_nothing_else(raw, truth):
    change = {}
    for stage in ("discovery", "consideration", "purchase", "delivery", "support", "loyalty"):
        kept = {}
        for wave, frame in raw.items():
            own = truth["respondents"]["wave"].eq(wave)
            careful = truth["respondents"].loc[own, "kind"].eq("careful").to_numpy()
            kept[wave] = scores(frame.loc[careful, f"csat_{stage}"]).dropna()
        change[stage] = kept["spring"].mean() - kept["autumn"].mean()
    assert change.pop("delivery") == pytest.approx(0.5, abs=0.15)
    assert max(map(abs, change.values())) < 0.15


def test_planted_the_team_is_too_kind_to_delivery_and_support(raw, truth):
    believed = {r["stage"]: float(r["satisfaction"]) for r in read_stock("beliefs.csv")}
    careful = truth["respondents"]["kind"].eq("careful")
    answers = pd.concat(raw.values(), ignore_index=True)[careful]

    assert believed["delivery"] - scores(answers["csat_delivery"]).mean() > 0.9
    assert believed["support"] - scores(answers["csat_support"]).mean() > 0.9
    assert believed["loyalty"] - scores(answers["csat_loyalty"]).mean() < 0.4


def test_planted_shorter_waits_and_fewer_complaints_with_delivery_slots(events):
    ordered = events.drop_duplicates().sort_values(["customer", "when"], kind="stable")
    paid = ordered["when"].where(ordered["amount"].notna()).groupby(ordered["customer"]).ffill()
    delivered = ordered[ordered["touchpoint"].eq("courier_delivery")]
    days = (delivered["when"] - paid[delivered.index]).dt.total_seconds() / 86400
    after = delivered["when"] >= "2025-02-06"  # ordered after the slots came, most of them
    before = delivered["when"] < "2025-02-01"

    assert days[before].median() == pytest.approx(3.0, abs=0.2)
    assert days[after].median() == pytest.approx(1.9, abs=0.2)
    late = days > 3
    rated = delivered["rating"].notna()
    assert delivered["rating"][~late & rated].mean() - delivered["rating"][late & rated].mean() > 1
    following = ordered["touchpoint"].shift(-1)[delivered.index]
    complains = following.isin(["complaint", "call_centre", "chat_support", "product_return"])
    assert complains[late].mean() > complains[~late].mean() + 0.2


def test_personas_walk_and_buy_as_defined(events, truth):
    persona = events["customer"].map(truth["customers"].set_index("customer")["persona"])
    share = pd.crosstab(persona, events["channel"], normalize="index")
    assert share["shop"].idxmax() == share["phone"].idxmax() == "reassurance"
    assert share["social"].idxmax() == "enthusiast"
    assert share["app"].idxmax() == "hurried"
    assert share["web"].idxmax() == "planner"
    prospects = set(truth["customers"].loc[truth["customers"]["prospect"], "customer"])
    buyers = set(events.loc[events["amount"].notna(), "customer"])
    assert not buyers & prospects
    spend = events["amount"].groupby(persona).mean()
    assert spend.to_dict() == pytest.approx({p: k.spend for p, k in PERSONAS.items()}, rel=0.15)
    repeated = events.dropna(subset="amount").drop_duplicates().groupby("customer").size()
    assert (repeated > 1).sum() > 800


def test_the_log_has_the_dirt_that_was_meant(events, sepidar):
    study, _ = read_study(sepidar)
    known = {t.id for t in study.touchpoints}

    assert 55_000 < len(events) < 62_000
    assert (sepidar / "events.csv.gz").stat().st_size < 1_500_000
    assert events["when"].between("2024-06-01", "2025-06-01").all()
    assert events["when"].is_monotonic_increasing
    assert events.duplicated().sum() / len(events) == pytest.approx(0.005, abs=0.001)
    assert 60 < events["customer"].isna().sum() < 85
    assert 80 < (~events["touchpoint"].isin(known)).sum() < 100
    assert {"tv_ad", "billboard_ad", "newsletter", "friend_talk"} <= set(events["touchpoint"])
    once = events.drop_duplicates().dropna(subset="customer")
    assert once.duplicated(["customer", "when"]).sum() > 250  # ties


def test_the_surveys_have_the_dirt_that_was_meant(raw):
    text = {wave: "\n".join(frame.to_numpy().ravel()) for wave, frame in raw.items()}
    for wave, all_text in text.items():
        for sign in ("۳", "٣", "3", "ي", "ک", "\u200c", "99", "نمی‌دانم"):
            assert sign in all_text or wave == "spring", (wave, sign)
        assert any(word in all_text for word in ("خیلی مهم", "Very important"))
    dates = raw["spring"]["date"].map(lambda t: t.translate(LETTERS))
    assert dates.str.startswith("1404/").any()
    assert dates.str.startswith("2025-").any()
    assert dates.str.contains("اردیبهشت").any()
    assert raw["autumn"]["respondent"].duplicated().sum() == 8
    given = raw["spring"].loc[raw["spring"]["customer"].str.startswith("SP-"), "customer"]
    assert given.duplicated().sum() == 8
    assert raw["autumn"]["comment"].str.startswith("=").any()
    assert (pd.to_numeric(raw["autumn"]["duration"]) < 43).sum() >= 20


def test_interviews_are_codable_and_coders_agree_in_part(sepidar):
    coding = pd.read_csv(sepidar / "coding.csv")
    codes = set(pd.read_csv(sepidar / "codes.csv")["code"])
    assert set(coding["code"]) <= codes
    assert not coding.duplicated(["interview", "turn", "coder", "code"]).any()
    turns = {}
    for file in sorted((sepidar / "interviews").glob("i*.txt")):
        spoken = file.read_text(encoding="utf-8").splitlines()
        assert 12 <= len(spoken) <= 22
        turns |= {(file.stem, n): line for n, line in enumerate(spoken, start=1)}
    plain = coding[coding["interview"].isin({name for name, _ in turns})]
    assert len(plain) > 80
    for row in plain.itertuples():
        assert row.quote in turns[row.interview, row.turn]
    first = coding.drop_duplicates(["interview", "turn", "coder"])
    both = first.pivot(index=["interview", "turn"], columns="coder", values="code").dropna()
    assert 0.68 < cohen_kappa(both["A"].tolist(), both["B"].tolist()) < 0.88


def cohen_kappa(one: list[str], other: list[str]) -> float:
    """Agreement beyond chance, from the definition."""
    seen = np.mean([a == b for a, b in zip(one, other, strict=True)])
    left, right = Counter(one), Counter(other)
    chance = sum(left[c] * right[c] for c in left) / len(one) ** 2
    return (seen - chance) / (1 - chance)


def test_something_to_pseudonymise(sepidar):
    spoken = "\n".join(
        file.read_text(encoding="utf-8") for file in (sepidar / "interviews").glob("i*")
    )

    assert re.search(r"09\d{2} ?\d{3} ?\d{4}", spoken)
    assert re.search(r"۰۹[۰-۹]{9}", spoken)
    assert "@example.com" in spoken


def test_the_stock_is_rich_clean_and_whole():
    sentences = pd.DataFrame(read_stock("sentences.csv"))
    assert (sentences.groupby("language")["text"].nunique() >= 110).all()
    assert sentences["text"].is_unique
    codes = {row["code"] for row in read_stock("codes.csv")}
    assert set(sentences["code"]) == codes
    for name in ("sentences.csv", "questions.csv", "comments.csv", "codebook.csv", "codes.csv"):
        for row in read_stock(name):
            assert not re.search("[يكىة٠-٩]", " ".join(row.values())), (name, row)


def test_every_walk_ends():
    moves = read_moves()
    for persona in PERSONAS:
        total = moves.groupby("from")[persona].sum()
        assert total.to_numpy() == pytest.approx(1)
        states = sorted(set(moves["from"]))
        chance = moves.pivot_table(index="from", columns="to", values=persona, fill_value=0)
        inner = chance.reindex(index=states, columns=states, fill_value=0).to_numpy()
        assert max(abs(np.linalg.eigvals(inner))) < 0.95  # the walk dies out


def test_the_data_card_says_what_is_there(root, sepidar, events, raw, truth):
    card = (root / "data" / "README.md").read_text(encoding="utf-8")
    section = card[card.index("## sepidar") :]
    section = section[: section.find("\n## ", 5)] if "\n## " in section[5:] else section
    coding = list(csv.reader(io.StringIO((sepidar / "coding.csv").read_text(encoding="utf-8"))))
    for number in (
        len(events), events["customer"].nunique(), len(raw["autumn"]), len(raw["spring"]),
        len(coding) - 1, (truth["respondents"]["kind"] == "careful").sum(),
    ):  # fmt: skip
        assert f"{number:,}" in section, number
    assert len(COPIED) == 8
