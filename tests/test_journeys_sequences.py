"""Distances, clusters and complexity beside printed values, other programs and slow ways."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score, silhouette_samples

from cjlib.errors import JourneyError, TooFewError
from cjlib.events import code_events, sessions
from cjlib.journeys import cluster_journeys, compare_sequences, measure_complexity
from cjlib.journeys.grouping import choose_medoids, cut_tree, join_nearest, measure_silhouettes

LABELS = ["a", "b", "c", "d"]
words = st.lists(st.text(alphabet="abcd", min_size=1, max_size=8), min_size=2, max_size=8)

# mvad (McVicar and Anyadike-Danes 2002), as in Gabadinho et al. (2011), JSS 40(4): the first,
# second, third and fifth person, Sep 1993 to Jun 1999, run by run.
SPELLS = {
    1: [("E", 4), ("T", 2), ("E", 64)],
    2: [("F", 36), ("H", 34)],
    3: [("T", 24), ("F", 34), ("E", 10), ("J", 2)],
    5: [("F", 25), ("H", 45)],
}
STATES = {"employment": "E", "FE": "F", "HE": "H", "joblessness": "J", "school": "S",
          "training": "T"}  # fmt: skip


def log_of(paths, **more):
    rows = [(f"c{i:03}", t, label) for i, path in enumerate(paths) for t, label in enumerate(path)]
    who, minute, label = zip(*rows, strict=True)
    more = {"minimum_base": 1, "labels": LABELS, **more}
    return code_events(who, np.array(minute) * 60_000_000, label, **more)


@pytest.fixture(scope="module")
def mvad(request):
    """The data set as journeys, and its weights; skipped where it is not at hand."""
    file = request.getfixturevalue("shared_data") / "mvad" / "mvad.csv"
    if not file.is_file():
        pytest.skip("mvad.csv is not among the real data (R TraMineR or Python sequenzo have it)")
    frame = pd.read_csv(file)
    paths = ["".join(STATES[s] for s in row) for row in frame.iloc[:, 16:86].to_numpy()]
    who = [f"c{i:03}" for i in range(len(paths))]
    return log_of(paths, labels=list("EFHJST")), pd.Series(frame["weight"].to_numpy(), index=who)


def test_common_subsequences_as_printed_in_jss_40_4():
    # Gabadinho et al. (2011), section 5: seqLLCS of persons 1 and 3 is 12, of 2 and 5 is 59
    paths = ["".join(state * months for state, months in runs) for runs in SPELLS.values()]
    found = compare_sequences(log_of(paths, labels=list("EFHJST")))

    assert (140 - found.distance(0, 2)) / 2 == 12
    assert (140 - found.distance(1, 3)) / 2 == 59


@pytest.mark.real
@pytest.mark.slow
def test_mvad_as_printed_in_jss_40_4(mvad):
    log, weights = mvad
    found = compare_sequences(log, costs="trate", weights=weights)

    printed = {"EF": 1.971, "EH": 1.987, "FH": 1.993, "HT": 1.999, "JT": 1.976}
    for (one, two), cost in printed.items():
        assert found.costs.loc[one, two] == pytest.approx(cost, abs=0.0005)
    assert found.ceiling == pytest.approx(139.94, abs=0.005)  # what two of 70 months could reach
    assert found.matrix.max() == pytest.approx(139.841, abs=0.0005)
    mean = measure_complexity(log).journeys["entropy"].mean()
    assert mean == pytest.approx(0.39955, abs=0.000005)


def match_slowly(one, two, costs, indel):
    """Needleman and Wunsch's table, a cell at a time."""
    table = np.zeros((len(one) + 1, len(two) + 1))
    table[:, 0] = indel * np.arange(len(one) + 1)
    table[0] = indel * np.arange(len(two) + 1)
    for i, j in product(range(1, len(one) + 1), range(1, len(two) + 1)):
        table[i, j] = min(table[i - 1, j] + indel, table[i, j - 1] + indel,
                          table[i - 1, j - 1] + costs.loc[one[i - 1], two[j - 1]])  # fmt: skip
    return table[-1, -1]


@given(words, st.sampled_from([0.4, 1.0, 1.5]), st.sampled_from(["constant", "trate"]))
def test_optimal_matching_the_slow_way(paths, indel, costs):
    found = compare_sequences(log_of(paths), costs=costs, indel=indel)

    for i, j in product(range(len(paths)), repeat=2):
        slow = match_slowly(paths[i], paths[j], found.costs, indel)
        assert found.distance(i, j) == pytest.approx(slow, abs=1e-9)
    assert found.matrix.max() <= found.ceiling + 1e-9
    assert (found.matrix == found.matrix.T).all()
    assert (np.diag(found.matrix) == 0).all()
    assert found.table["journeys"].sum() == len(paths)


@given(words, st.sampled_from(["constant", "trate"]))
def test_hamming_the_slow_way(paths, costs):
    found = compare_sequences(log_of(paths), method="hamming", costs=costs)

    longest = max(map(len, paths))
    full = [[*path, *["(ended)"] * (longest - len(path))] for path in paths]
    for i, j in product(range(len(paths)), repeat=2):
        slow = sum(found.costs.loc[x, y] for x, y in zip(full[i], full[j], strict=True))
        assert found.distance(i, j) == pytest.approx(slow)


@given(words)
def test_rates_the_slow_way(paths):
    weights = pd.Series(
        np.arange(len(paths)) % 3 + 0.5, index=[f"c{i:03}" for i in range(len(paths))]
    )
    found = compare_sequences(log_of(paths), costs="trate", weights=weights).costs
    moves = pd.DataFrame(0.0, index=LABELS, columns=LABELS)
    for path, weight in zip(paths, weights, strict=True):
        for one, two in pairwise(path):
            moves.loc[one, two] += weight
    rate = moves.div(moves.sum(axis=1).replace(0, 1), axis=0)

    for one, two in product(LABELS, repeat=2):
        expected = 0 if one == two else 2 - rate.loc[one, two] - rate.loc[two, one]
        assert found.loc[one, two] == pytest.approx(expected)


def test_compare_by_hand():
    # "abc" and "abc" are one; "abd" differs at the third place, "ab" ends before it
    found = compare_sequences(log_of(["abd", "abc", "ab", "abc"]), method="hamming")

    assert found.table["path"].tolist() == ["a > b > c", "a > b > d", "a > b"]
    assert found.table["journeys"].tolist() == [2, 1, 1]
    assert found.matrix.tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert found.table["mean_distance"].tolist() == [0.5, 0.75, 0.75]
    assert found.summary() == (
        "4 journeys, 3 of them different; two lie 0.8 apart on average, 1.0 at most "
        "(3.0 is possible)."
    )
    cut = compare_sequences(log_of(["abd", "abc", "ab", "abc"]), steps=2)
    assert cut.table["journeys"].tolist() == [4]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"method": "lcs"}, "method must be 'om' or 'hamming'"),
        ({"indel": 0}, "indel must be above 0"),
        (
            {"costs": "trate", "weights": pd.Series([1.0], index=["c000"])},
            "1 of 2 journeys have no",
        ),
    ],
)
def test_compare_errors(change, text):
    with pytest.raises(JourneyError, match=text):
        compare_sequences(log_of(["ab", "cd"]), **change)


def test_too_many_different_journeys_are_refused(monkeypatch):
    monkeypatch.setattr("cjlib.journeys.sequences.MOST", 1)
    with pytest.raises(JourneyError, match="at most 1 different journeys .* has 2"):
        compare_sequences(log_of(["ab", "cd"]))


def points(seed, n=14):
    rng = np.random.default_rng(seed)
    place = rng.normal(size=(n, 2))
    matrix = np.hypot(*(place[:, None] - place).transpose(2, 0, 1))
    return matrix, rng.integers(1, 4, n)


@given(st.integers(0, 10_000), st.sampled_from(["ward", "average"]), st.integers(2, 6))
@settings(max_examples=40)
def test_the_tree_of_all_rows_is_scipys(seed, method, k):
    matrix, counts = points(seed)
    pairs, heights = join_nearest(matrix, counts.astype(float), method=method)
    every = np.repeat(np.arange(len(counts)), counts)
    tree = linkage(squareform(matrix[np.ix_(every, every)], checks=False), method)

    assert heights == pytest.approx(tree[-len(heights) :, 2])
    theirs = fcluster(tree, k, "maxclust")
    assert adjusted_rand_score(cut_tree(pairs, k)[every], theirs) == 1


@given(st.integers(0, 10_000), st.integers(2, 6))
@settings(max_examples=40)
def test_silhouettes_of_all_rows_are_scikit_learns(seed, k):
    matrix, counts = points(seed)
    group = np.random.default_rng(seed).permutation(np.arange(len(counts)) % k)
    every = np.repeat(np.arange(len(counts)), counts)
    theirs = silhouette_samples(matrix[np.ix_(every, every)], group[every], metric="precomputed")

    assert measure_silhouettes(matrix, counts.astype(float), group)[every] == pytest.approx(theirs)


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(max_examples=40)
def test_no_swap_betters_the_medoids(seed, k):
    matrix, counts = points(seed, n=10)

    def cost(rows):
        return matrix[rows].min(axis=0) @ counts

    chosen = choose_medoids(matrix, counts.astype(float), k)
    assert len(set(chosen.tolist())) == k
    for place, row in product(range(k), range(10)):
        swapped = chosen.copy()
        swapped[place] = row
        assert cost(swapped) >= cost(chosen) - 1e-9


@pytest.mark.parametrize("method", ["ward", "average", "pam"])
def test_planted_kinds_are_found(method):
    rng = np.random.default_rng(5)
    kinds = ["aaabbb", "ccccdd", "dcbadc"]
    truth = rng.permutation([0] * 60 + [1] * 40 + [2] * 20)
    paths = []
    for kind in truth:
        path = list(kinds[kind])
        if rng.random() < 0.4:
            path[rng.integers(6)] = rng.choice(LABELS)
        paths.append("".join(path))
    found = cluster_journeys(compare_sequences(log_of(paths)), method=method)

    assert found.k == 3
    assert adjusted_rand_score(truth, found.members["cluster"]) > 0.95
    assert [t.replace(" > ", "") for t in found.table["typical"]] == kinds
    assert found.table["journeys"].tolist() == np.bincount(truth).tolist()
    assert found.table["estimate"].sum() == pytest.approx(1)
    assert found.table["method"].eq("Wilson").all()
    rows = found.typical[found.typical["cluster"].eq(1)]
    first = [p for p, kind in zip(paths, truth, strict=True) if kind == 0]
    assert rows["share"].tolist() == pytest.approx(
        [np.mean([p[i] == kinds[0][i] for p in first]) for i in range(6)]
    )
    assert found.summary().startswith(f"3 kinds of journey ({method}, mean silhouette 0.")


def test_shares_of_clusters_allow_for_a_customers_journeys():
    rows = [("x", 0, "a"), ("x", 100, "a"), ("x", 200, "a"), ("y", 0, "b"), ("z", 0, "c")]
    who, minute, label = zip(*rows, strict=True)
    log = code_events(who, np.array(minute) * 60_000_000, label, minimum_base=1)
    found = cluster_journeys(compare_sequences(sessions(log, gap=30)), k=2)

    assert found.table["n"].tolist() == [3, 3]
    assert found.table["journeys"].tolist() == [3, 2]
    assert found.table["method"].eq("Wilson, by customer").all()
    hidden = cluster_journeys(compare_sequences(log_of(["a", "b", "c"], minimum_base=4)), k=2)
    assert hidden.table["estimate"].isna().all()
    assert "the largest is typically" in hidden.summary()


@pytest.mark.parametrize("change", [{"k": 5}, {"k": 1}, {"ks": [], "k": None}])
def test_cluster_errors(change):
    found = compare_sequences(log_of(["a", "b", "cc", "d"]))
    with pytest.raises(TooFewError, match="for 4 different journeys"):
        cluster_journeys(found, **change)
    with pytest.raises(JourneyError, match="method must be 'ward'"):
        cluster_journeys(found, method="single")


@given(words)
def test_complexity_the_slow_way(paths):
    each = measure_complexity(log_of(paths)).journeys

    for path, row in zip(paths, each.to_dict("records"), strict=True):
        shares = np.array([path.count(label) / len(path) for label in set(path)])
        entropy = -(shares * np.log(shares)).sum() / np.log(4)
        changes = sum(x != y for x, y in pairwise(path))
        assert row["entropy"] == pytest.approx(entropy, abs=1e-12)
        assert row["changes"] == changes
        expected = np.sqrt(changes / (len(path) - 1) * entropy) if len(path) > 1 else 0
        assert row["complexity"] == pytest.approx(expected, abs=1e-7)


def test_complexity_by_hand():
    # "all": every label once, every contact a change: 1; "stays": 0; "once": one contact
    found = measure_complexity(log_of(["abcd", "aaaa", "b"]))

    assert found.journeys["entropy"].tolist() == pytest.approx([1, 0, 0])
    assert found.journeys["complexity"].tolist() == pytest.approx([1, 0, 0])
    assert found.journeys["labels"].tolist() == [4, 1, 1]
    mean = found.table.set_index("measure").loc["entropy"]
    assert mean["estimate"] == pytest.approx(1 / 3)
    assert mean["n"] == 3
    # first contact: a a b; second: b a
    expected = [-(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3)) / np.log(4), 0.5]
    assert found.steps["estimate"].tolist()[:2] == pytest.approx(expected)
    assert found.steps["journeys"].tolist() == [3, 2, 2, 2]


def test_complexity_by_group_and_small_bases():
    log = log_of(["ab", "aa", "ab", "aa", "cd"], minimum_base=2)
    groups = pd.Series(["x", "y", "x", "x"], index=["c000", "c001", "c002", "c003"])
    table = measure_complexity(log, groups=groups).table.set_index(["group", "measure"])

    assert table.loc[("x", "entropy"), "estimate"] == pytest.approx(2 / 3 * 0.5)
    assert table.loc[("x", "entropy"), "n"] == 3
    assert table.loc[("y", "entropy"), "method"] == "too few (n < 2)"
    assert "all" not in table.index.get_level_values("group")


def test_the_interval_of_entropy_covers():
    rng = np.random.default_rng(3)
    chance = np.array([0.5, 0.3, 0.15, 0.05])
    truth = -(chance * np.log(chance)).sum() / np.log(4)
    hits = 0
    for _ in range(200):
        log = log_of(rng.choice(LABELS, size=(200, 1), p=chance))
        row = measure_complexity(log, steps=1).steps.iloc[0]
        hits += row["low"] <= truth <= row["high"]
    assert 180 <= hits <= 199


@pytest.mark.parametrize("language", ["en", "fa"])
def test_figures_show_the_table(language):
    log = replace(log_of(["aab", "aab", "abcdabcdabcdabcd", "cdc", "cd"]), language=language)
    found = cluster_journeys(compare_sequences(log), k=2)
    ax = found.plot()
    widths = [bar.get_width() for bar in ax.patches]
    runs = found.typical.groupby("cluster")["label"].apply(lambda s: (s != s.shift()).sum())
    assert len(widths) == runs.sum()
    assert sum(widths) == len(found.typical)
    assert found.plot_choice().lines[0].get_ydata() == pytest.approx(
        found.choice["silhouette"].to_numpy()
    )
    steps = measure_complexity(log)
    assert steps.plot().lines[0].get_ydata() == pytest.approx(steps.steps["estimate"].to_numpy())
    assert steps.plot().xaxis_inverted() == (language == "fa")
