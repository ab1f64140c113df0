"""Logs as they come: odd rows, odd times, odd sizes. Each row is kept or set aside, and counted."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cjlib.definitions import Text, Touchpoint
from cjlib.errors import ColumnError, StudyError
from cjlib.events import count_paths, journey_log, read_interactions, store_log
from cjlib.events.times import count_twice, read_times
from cjlib.journeys import count_transitions
from cjlib.study import load_study

HEAD = "who,when,where\n"
COLUMNS = {"customer_id": "who", "time": "when", "touchpoint": "where"}


def study_of(folder, content, *, name="log.csv", source=None, **more):
    folder.mkdir(exist_ok=True)
    if content is not None:
        place = folder / name
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    study = {
        "study": 1, "id": "shop", "title": "Shop", "brand": "Shop", "language": "en",
        "privacy": {"key": "public"}, "stages": [{"id": s, "label": s} for s in ("look", "buy")],
        "touchpoints": [{"id": t, "stage": "look", "label": t} for t in ("page", "pay")],
        "events": {"sources": [source or {"path": name, "columns": COLUMNS}], **more},
    }  # fmt: skip
    (folder / "study.yaml").write_text(json.dumps(study), encoding="utf-8")
    return load_study(folder)


def read(folder, content, **more):
    return read_interactions(study_of(folder, content, **more))


def why(found):
    """Return reason -> rows for the reasons that occur."""
    rows = found.scope.set_index("reason")["rows"]
    return rows[rows > 0].to_dict()


def test_rows_that_do_not_fit_the_header_are_named_and_the_rest_is_kept(tmp_path):
    lines = ["a,2025-01-01,page", "a,2025-01-02,page,more", "", "a,2025-01-03", '"a\nb",1,2,3,4',
             "a,2025-01-04,pay", "a,2025-01-04,pay", "x"]  # fmt: skip
    found = read(tmp_path, HEAD + "\n".join(lines))

    assert why(found) == {"in scope": 2, "row unlike the header": 4, "duplicate row": 1}
    aside = found.set_aside[found.set_aside["reason"].str.startswith("row unlike")]
    assert aside["file"].unique().tolist() == ["log.csv"]
    assert aside["row"].tolist() == [2, 3, 4, 7]  # the empty line is no row
    told = found.misfits.set_index("value")["rows"].to_dict()
    assert told == {
        "4 cells, the header has 3": 1, "2 cells, the header has 3": 1,
        "5 cells over 2 lines, the header has 3": 1, "1 cells, the header has 3": 1,
    }  # fmt: skip
    assert set(found.misfits["column"]) == {"(row)"}
    assert "4 row unlike the header" in found.summary()


def test_odd_rows_keep_their_numbers_in_batches_and_folders(tmp_path):
    good = "".join(f"c{i % 7},2025-01-01 10:{i % 60:02},page\n" for i in range(400))
    odd = good.replace("c3,2025-01-01 10:24,page\n", "c3,2025-01-01 10:24,page,x\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.csv").write_text(HEAD + good)
    (tmp_path / "parts" / "b.csv").write_text(HEAD + odd)
    study = study_of(tmp_path, None, source={"path": "parts/", "columns": COLUMNS})
    found = read_interactions(study)
    stored = store_log(study, tmp_path / "kept", batch=30, partitions=3)
    slow = [i + 1 for i, line in enumerate(odd.splitlines()) if line.endswith("x")]

    aside = found.set_aside[found.set_aside["reason"].str.startswith("row unlike")]
    assert set(aside["file"]) == {"parts/b.csv"}
    assert aside["row"].tolist() == slow
    assert stored.scope["rows"].tolist() == found.scope["rows"].tolist()
    keys = ["file", "row", "reason"]
    pd.testing.assert_frame_equal(
        stored.set_aside().sort_values(keys, ignore_index=True),
        found.set_aside[keys]
        .astype(stored.set_aside().dtypes)
        .sort_values(keys, ignore_index=True),
    )


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (['a,2025-01-01,"page', "b,2025-01-01,page"], "last row swallows 1 lines"),
        (['a,2025-01-01,page', '"b,2025-01-01,page', "c,2025-01-01,page"], "row 2 swallows 1"),
        (['"a,2025-01-01,page'] + ["b,2025-01-01,page"] * 100_000, "row 1 swallows 100,000"),
    ],
)  # fmt: skip
def test_a_quote_that_is_never_closed_does_not_swallow_the_file(tmp_path, lines, text):
    with pytest.raises(ColumnError, match=text):
        read(tmp_path, HEAD + "\n".join(lines) + "\n")


def test_a_cell_may_hold_lines_at_the_very_end(tmp_path):
    source = {"path": "log.csv", "columns": {**COLUMNS, "text": "said"}}
    for end in ("", "\n", "\r\n"):
        text = 'who,when,where,said\na,2025-01-01,page,"two\nlines\n"' + end
        found = read(tmp_path, text, source=source)
        assert found.table["text"].tolist() == ["two\nlines\n"]


def test_a_lookup_with_an_odd_row_is_refused(tmp_path):
    (tmp_path / "people.csv").write_text("id,person\n1,a\n2,b,c\n")
    source = {"path": "log.csv", "columns": {**COLUMNS, "customer_id": "person"},
              "joins": [{"path": "people.csv", "on": "id", "columns": ["person"]}]}  # fmt: skip
    with pytest.raises(ColumnError, match=r"fit the header; people\.csv has 1.*row 2"):
        read(tmp_path, "id,when,where\n1,2025-01-01,page\n", source=source)


def test_ids_that_look_missing_are_people_and_blank_ones_are_not(tmp_path):
    names = ["NA", "null", "007", "7", "NaN", "None", "<NA>", "-", "N/A", "  ", ""]
    found = read(tmp_path, HEAD + "".join(f"{name},2025-01-01,page\n" for name in names))

    assert why(found) == {"in scope": 9, "no customer": 2}
    assert found.table["customer_id"].nunique() == 9


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_marks_at_the_beginning_and_kinds_of_line_ends(tmp_path, mark, end):
    found = read(tmp_path, mark + end.join(["who,when,where", "a,2025-01-01,page", ""]))

    assert found.table["touchpoint"].tolist() == ["page"]


def test_nothing_and_a_header_alone(tmp_path):
    for name, content in (("a", HEAD), ("b", HEAD.strip())):
        found = read(tmp_path / name, content)
        assert (found.rows_read, len(found.table)) == (0, 0)
    for name, content in (("c", ""), ("d", "\n"), ("e", "\ufeff")):
        with pytest.raises(ColumnError, match="begin with one header line"):
            read(tmp_path / name, content)
    with pytest.raises(ColumnError, match="UTF-8"):
        read(tmp_path / "f", (HEAD + "a,2025-01-01,page\n").encode("utf-16"))
    with pytest.raises(ColumnError, match="UTF-8"):
        read(tmp_path / "g", (HEAD + "a,2025-01-01,page\n").encode() + b"\xe9,2025-01-01,page\n")


def test_times_that_are_missing_or_not_readable_are_told(tmp_path):
    times = ["", " ", "soon", "soon", "2025-02-30", "03/04/2025", "2025-01-01"]
    found = read(tmp_path, HEAD + "".join(f"a{i},{t},page\n" for i, t in enumerate(times)))

    assert why(found) == {"in scope": 1, "no readable time": 6}
    told = found.misfits.set_index("value")["rows"].to_dict()
    assert told == {"soon": 2, "2025-02-30": 1, "03/04/2025": 1}


def test_many_unreadable_times_are_counted_whole(tmp_path):
    found = read(tmp_path, HEAD + "".join(f"a,never {i},page\n" for i in range(80)))

    assert found.misfits["rows"].sum() == 80
    assert found.misfits.set_index("value")["rows"]["(other values)"] == 30


def test_dates_outside_the_log(tmp_path):
    ahead = (datetime.now(tz=UTC) + timedelta(days=3)).date().isoformat()
    times = ["1970-01-01", "2024-12-31 23:59:59", "2025-01-01", "2025-12-31 23:59", ahead,
             "2999-01-01", "9999-12-31 00:00"]  # fmt: skip
    text = HEAD + "".join(f"a{i},{t},page\n" for i, t in enumerate(times))
    plain = read(tmp_path / "a", text)
    named = read(tmp_path / "b", text, since="2025-01-01", until="۱۴۰۴/۱۰/۱۰")  # 2025-12-31

    assert why(plain) == {"in scope": 4, "dated outside the log": 3}
    assert why(named) == {"in scope": 2, "dated outside the log": 5}
    with pytest.raises(StudyError, match=r"until: Norouz; expected a date such as"):
        read(tmp_path / "c", text, until="Norouz")
    with pytest.raises(StudyError, match=r"until: 2024-01-01; expected a day after since"):
        read(tmp_path / "d", text, since="2025-01-01", until="2024-01-01")


def test_kinds_of_time_in_one_column(tmp_path):
    moment = datetime(2025, 1, 1, 10, tzinfo=UTC)  # 13:30 in Tehran
    seconds = int(moment.timestamp())
    times = [str(seconds), f"{seconds}.25", f"{seconds}000", f"{seconds}000000",
             f"{seconds}000000000", "2025-01-01T10:00:00Z", "2025-01-01 11:00:00.0000001+01:00",
             "2025-01-01 13:30", "45658.5625", "۱۴۰۳/۱۰/۱۲ ۱۳:۳۰"]  # fmt: skip
    text = HEAD + "".join(f"a{i},{t},page\n" for i, t in enumerate(times))
    found = read(tmp_path, text, time_zone="Asia/Tehran").table["time"]

    assert found.dt.floor("s").unique().tolist() == [pd.Timestamp("2025-01-01 13:30")]
    assert (found.dt.microsecond == 250_000).sum() == 1


def test_the_clock_that_is_put_back(tmp_path):
    # Berlin, 27 October 2024: 02:00 to 03:00 comes twice; 31 March: it does not come at all.
    times = ["2024-10-27T00:30:00Z", "2024-10-27T01:15:00Z", "2024-10-27 01:59:59",
             "2024-10-27 03:00", "2024-03-31 02:30"]  # fmt: skip
    found = read(tmp_path, HEAD + "".join(f"a,{t},page\n" for t in times),
                 time_zone="Europe/Berlin")  # fmt: skip

    assert found.clock_twice == 2
    assert "2 lie in an hour that the clock shows twice" in found.summary()
    hours = pd.Series(pd.date_range("2021-09-20", "2021-09-24", freq="15min", inclusive="left"))
    slow = sum(
        t.tz_localize("Asia/Tehran", ambiguous=True)
        != t.tz_localize("Asia/Tehran", ambiguous=False)
        for t in hours
    )
    assert count_twice(hours, zone="Asia/Tehran") == slow == 4
    assert count_twice(hours, zone="UTC") == 0


def test_a_wide_row_without_any_time_is_counted(tmp_path):
    source = {"path": "log.csv", "columns": {"customer_id": "who"},
              "times": {"seen": "page", "paid": "pay"}}  # fmt: skip
    text = "who,seen,paid\na,2025-01-01,2025-01-02\nb,,\nc,2025-01-01,\nd,2025-01-01\n"
    found = read(tmp_path, text, source=source)

    assert why(found) == {"in scope": 3, "no readable time": 1, "row unlike the header": 1}
    assert found.set_aside[["row", "reason"]].to_numpy().tolist() == [
        [2, "no readable time"], [4, "row unlike the header"]
    ]  # fmt: skip


cells = st.sampled_from(["a", "b ", "NA", "", "2025-01-01", "2025-01-02 10:00", "soon", "page",
                         "pay", "pgae", "2999-01-01", 'x"y', "l1\nl2", "1735725600"])  # fmt: skip


@given(st.lists(st.lists(cells, min_size=1, max_size=4), max_size=12), st.integers(1, 5))
@settings(max_examples=15)
def test_every_row_is_kept_or_set_aside_once(tmp_path_factory, rows, batch):
    folder = tmp_path_factory.mktemp("bad")
    with (folder / "log.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["who", "when", "where"])
        writer.writerows(rows)
    study = study_of(folder, None)
    found = read_interactions(study)
    stored = store_log(study, folder / "kept", batch=batch, partitions=2)

    expected, seen = {}, set()
    for row in rows:
        reason = reason_of(row, seen)
        seen.add(tuple(row))
        expected[reason] = expected.get(reason, 0) + 1
    assert why(found) == expected
    assert found.rows_read == found.scope["rows"].sum() == len(rows)
    assert len(found.set_aside.drop_duplicates(["file", "row"])) == len(found.set_aside)
    assert stored.scope["rows"].tolist() == found.scope["rows"].tolist()


def reason_of(row, seen):
    """Say why a row is set aside, from the definition alone."""
    if len(row) != 3:
        return "row unlike the header"
    who, when, where = row
    if tuple(row) in seen:
        return "duplicate row"
    if not who.strip():
        return "no customer"
    if not when.startswith(("2025", "2999", "1735725600")):
        return "no readable time"
    if when.startswith("2999"):
        return "dated outside the log"
    return "in scope" if where in ("page", "pay") else "unknown touchpoint"


def test_one_customer_with_a_million_events(tmp_path):
    n = 1_000_000
    minute = np.random.default_rng(1).permutation(n)  # not sorted
    frame = pd.DataFrame(
        {
            "who": "one",
            "where": np.where(minute % 2, "pay", "page"),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(minute, "min"),
        }
    )
    frame.loc[n] = ["two", "page", pd.Timestamp("2020-01-01")]  # fmt: skip
    study = study_of(tmp_path, None, source={"frame": "log", "columns": COLUMNS})
    found = read_interactions(study, tables={"log": frame})
    log = journey_log(found)
    moves = count_transitions(log).table

    assert (len(log), log.journeys, log.lengths.max()) == (n + 1, 2, n)
    assert sorted(moves["count"]) == [n // 2 - 1, n // 2]
    assert moves["method"].eq("too few (n < 30)").all()


def test_a_thousand_activities(tmp_path):
    names = [f"t{i:04}" for i in range(1000)]
    text = HEAD + "".join(
        f"c{who},2025-01-01 10:{i // 60:02}:{i % 60:02},{names[(who * 37 + i) % 1000]}\n"
        for who in range(40)
        for i in range(50)
    )
    known = tuple(Touchpoint(name, Text(name), "look") for name in names)
    study = replace(study_of(tmp_path, text), touchpoints=known)
    found = read_interactions(study)
    log = journey_log(found)
    table = count_transitions(log).table

    assert why(found) == {"in scope": 2000}
    assert (log.codes.dtype, len(log.labels), table["count"].sum()) == (np.int16, 1000, 40 * 49)
    stored = store_log(study, tmp_path / "kept")
    assert count_paths(stored)[1] == count_paths(log)[1] == 40


def test_times_beyond_a_columns_own_are_read_by_themselves():
    found = read_times(pd.Series(["2999-01-01", "2025-01-01 10:00:00.1234567"]), zone="UTC")

    assert found.tolist() == [
        pd.Timestamp("2999-01-01"),
        pd.Timestamp("2025-01-01 10:00:00.123456"),
    ]
