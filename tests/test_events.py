"""Reading event logs: every format, what counts, what is set aside and why."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from cjlib.errors import ColumnError, JourneyError, MissingSourceError, UnsafeFileError
from cjlib.events import read_interactions
from cjlib.events.times import read_times
from cjlib.study import load_study

LONG = {
    "path": "log.csv",
    "columns": {"customer_id": "who", "time": "when", "touchpoint": "where", "channel": "via",
                "amount": "paid", "seconds": "took", "rating": "stars", "element": "part"},
}  # fmt: skip
HEAD = "who,when,where,via,paid,took,stars,part\n"


@pytest.fixture
def make(tmp_path):
    """Write files and a study.yaml over them, and load it."""

    def build(files, sources, **more):
        for name, content in files.items():
            place = tmp_path / name
            if isinstance(content, bytes):
                place.write_bytes(content)
            else:
                place.write_text(content, encoding="utf-8")
        positions = more.pop("positions", {})
        study = {
            "study": 1, "id": "shop", "title": "Shop", "brand": "Shop", "language": "en",
            "privacy": {"key": "public"}, "positions": positions,
            "stages": [{"id": i, "label": i} for i in ("look", "buy", "get")],
            "channels": [
                {"id": "web", "label": {"en": "Website", "fa": "وب‌سایت"}},
                {"id": "till", "label": "Till"},
                {"id": "tv", "label": "TV", "two_way": False, "one_to_one": False},
                {"id": "mail", "label": "Mail", "one_to_one": False},
            ],
            "touchpoints": [
                {"id": "page", "stage": "look", "channel": "web", "names": ["Home Page", "p1"],
                 "label": {"en": "Page", "fa": "صفحهٔ اصلی"}},
                {"id": "advert", "stage": "look", "channel": "tv", "with": "media", "label": "Ad"},
                {"id": "gossip", "stage": "look", "with": "customer", "label": "Gossip"},
                {"id": "pay", "stage": "buy", "channel": "web", "label": "Pay"},
                {"id": "receipt", "stage": "buy", "channel": "web", "within": "pay",
                 "label": "Receipt"},
                {"id": "parcel", "stage": "get", "with": "partner", "label": "Parcel"},
            ],
            "events": {"sources": sources, "purchase": ["pay"], **more},
        }  # fmt: skip
        (tmp_path / "study.yaml").write_text(json.dumps(study), encoding="utf-8")
        return load_study(tmp_path)

    return build


def raw(study, *ids):
    return study.pseudonyms(pd.Series(ids, dtype="str"), "C").tolist()


def test_ids_that_look_missing_or_like_numbers_survive(make):
    rows = "NA,2025-01-01,page,,,,,\n007,2025-01-01,page,,,,,\nnull,2025-01-02,page,,,,,\n"
    study = make({"log.csv": HEAD + rows}, [LONG])

    found = read_interactions(study).table["customer_id"]

    assert set(found) == set(raw(study, "NA", "007", "null"))


def test_every_row_is_kept_or_has_its_reason(make):
    rows = [
        "a,2025-01-01 10:00,page,,,,,",
        "a,2025-01-01 10:00,page,,,,,",  # the same row again
        ",2025-01-01 10:00,page,,,,,",
        "b,soon,page,,,,,",
        "b,2025-01-01,pgae,,,,,",
        "c,2025-01-01,gossip,,,,,",
        "c,2025-01-01,advert,,,,,",
        "d,2025-01-01,page,mail,,,,",  # a page, but by mass mail
        "d,2025-01-02,parcel,,,,,",  # a partner counts
        "d,2025-01-02,advert,web,,,,",  # media on a two-way channel is still a message
    ]
    study = make({"log.csv": HEAD + "\n".join(rows)}, [LONG])

    found = read_interactions(study)
    scope = found.scope.set_index("reason")["rows"].to_dict()

    assert scope == {
        "in scope": 2, "row unlike the header": 0, "dated outside the log": 0,
        "duplicate row": 1, "no customer": 1, "no readable time": 1,
        "unknown touchpoint": 1, "talk between customers": 1, "one-way or mass message": 3,
    }  # fmt: skip
    assert found.rows_read == len(rows) == found.scope["rows"].sum()
    assert found.scope["share"].sum() == pytest.approx(1)
    assert found.set_aside.set_index("row").loc[5, "reason"] == "unknown touchpoint"
    misfit = found.misfits.set_index("value").loc["pgae"]
    assert (misfit["column"], misfit["rows"]) == ("touchpoint", 1)
    assert misfit["nearest"].casefold() == "page"
    assert "10 rows read" in found.summary()
    assert "3 one-way" in found.summary()


def test_positions_let_messages_and_talk_in(make):
    rows = "c,2025-01-01,gossip,,,,,\nc,2025-01-01,advert,,,,,\n"
    study = make(
        {"log.csv": HEAD + rows}, [LONG],
        positions={"advertising": "interaction", "word_of_mouth": "interaction"},
    )  # fmt: skip

    assert len(read_interactions(study).table) == 2


def test_spellings_channels_and_definitions(make):
    rows = [
        "a,2025-01-01,Home Page,,,,,", "a,2025-01-02,HOME-PAGE,till,,,,",
        "a,2025-01-03,صفحه اصلي,وب سایت,,,,", "a,2025-01-04,receipt,smoke signal,,,,",
    ]  # fmt: skip
    table = read_interactions(make({"log.csv": HEAD + "\n".join(rows)}, [LONG])).table

    assert table["touchpoint"].tolist() == ["page", "page", "page", "receipt"]
    assert table["channel"].tolist() == ["web", "till", "web", "web"]
    assert table["within"].iloc[3] == "pay"
    assert table["stage"].tolist() == ["look", "look", "look", "buy"]


def test_measures_that_fit_no_rule_are_missing_and_noted(make):
    rows = "a,2025-01-01,pay,,۱۲٬۵۰۰,-3,6,\na,2025-01-02,pay,,free,12.5,4,top\n"
    found = read_interactions(make({"log.csv": HEAD + rows}, [LONG]))

    assert found.table["amount"].tolist()[0] == 12500
    assert np.isnan(found.table["amount"].iloc[1])
    assert np.isnan(found.table["seconds"].iloc[0])
    assert np.isnan(found.table["rating"].iloc[0])
    assert found.table["element"].tolist()[1] == "top"
    assert sorted(found.misfits["value"]) == ["-3", "6", "free"]


def test_ties_follow_the_stages_then_the_file(make):
    rows = "a,2025-01-01,receipt,,,,,\na,2025-01-01,pay,,,,,\na,2025-01-01,page,,,,,\n"
    rows += "b,2025-01-01,page,,1,,,\nb,2025-01-01,page,,2,,,\nb,2025-01-02,page,,,,,\n"
    study = make({"log.csv": HEAD + rows}, [LONG])
    found = read_interactions(study)

    first = found.table[found.table["customer_id"].eq(raw(study, "a")[0])]
    assert first["touchpoint"].tolist() == ["page", "receipt", "pay"]
    assert found.tied_share == pytest.approx(5 / 6)
    assert found.unordered_share == pytest.approx(3 / 6)


WIDE = {
    "path": "orders.csv",
    "columns": {"customer_id": "unique", "amount": "paid", "rating": "stars"},
    "times": {"viewed": "page", "bought": "pay", "billed": "receipt", "came": "parcel"},
    "joins": [
        {"path": "people.csv", "on": "person", "columns": ["unique"]},
        {"path": "payments.csv", "on": "order", "sum": ["paid"]},
    ],
}
WIDE_FILES = {
    "orders.csv": "order,person,viewed,bought,billed,came,stars\n"
    "o1,p1,2025-01-01,2025-01-02,2025-01-03,2025-01-05,4\n"
    "o2,p2,2025-01-01,,,,\n"  # looked, never bought: a prospect
    "o3,p9,2025-01-01,2025-01-02,,,\n",  # a person the lookup does not know
    "people.csv": "person,unique\np1,u1\np2,u2\np1,u1\n",
    "payments.csv": "order,paid\no1,10\no1,2.5\no2,7\n",
}


def test_wide_tables_join_sum_and_count_money_once(make):
    study = make(WIDE_FILES, [WIDE])
    found = read_interactions(study)
    first = found.table[found.table["customer_id"].eq(raw(study, "u1")[0])]

    assert first["touchpoint"].tolist() == ["page", "pay", "receipt", "parcel"]
    assert first["amount"].fillna(0).tolist() == [0, 12.5, 0, 0]
    assert first["rating"].fillna(0).tolist() == [0, 0, 0, 4]
    assert found.table["amount"].sum() == 12.5  # o2 is not bought yet: its 7 is no revenue
    assert found.scope.set_index("reason").loc["no customer", "rows"] == 2
    assert found.rows_read == 7


def test_money_goes_to_the_first_purchase_that_has_a_time(make):
    files = {**WIDE_FILES, "orders.csv": WIDE_FILES["orders.csv"].replace("o1,p1,2025-01-01,"
             "2025-01-02", "o1,p1,2025-01-01,")}  # fmt: skip
    both = read_interactions(make(WIDE_FILES, [WIDE], purchase=["pay", "receipt"])).table
    late = read_interactions(make(files, [WIDE], purchase=["pay", "receipt"])).table

    assert both.set_index("touchpoint")["amount"].dropna().to_dict() == {"pay": 12.5}
    assert late.set_index("touchpoint")["amount"].dropna().to_dict() == {"receipt": 12.5}


def test_a_lookup_that_disagrees_with_itself_is_refused(make):
    files = {**WIDE_FILES, "people.csv": "person,unique\np1,u1\np1,u2\n"}

    with pytest.raises(ColumnError, match="1 keys with several.*'p1'"):
        read_interactions(make(files, [WIDE]))


XES = """<?xml version="1.0"?><log xmlns="http://www.xes-standard.org/">
<global scope="event"><string key="concept:name" value="none"/></global>
<trace><string key="concept:name" value="007"/>
<event><string key="concept:name" value="page"/>
  <date key="time:timestamp" value="2025-01-01T08:00:00.000+02:00"/></event>
<event><string key="concept:name" value="pay"/>
  <date key="time:timestamp" value="2025-01-01T09:00:00.000+02:00"/></event></trace></log>"""


def test_every_format_gives_the_same_table(make, tmp_path):
    text = "who,when,where\n007,2025-01-01 06:00,page\n007,2025-01-01 07:00,pay\n"
    when = pd.to_datetime(["2025-01-01 06:00", "2025-01-01 07:00"])
    frame = pd.DataFrame({"who": ["007"] * 2, "where": ["page", "pay"], "when": when})
    frame.to_parquet(tmp_path / "log.parquet")
    frame.to_excel(tmp_path / "log.xlsx", index=False)
    files = {
        "log.csv": text, "log.tsv": text.replace(",", "\t"), "semi.csv": text.replace(",", ";"),
        "log.csv.gz": gzip.compress(text.encode()), "log.xes": XES,
        "log.xes.gz": gzip.compress(XES.encode()),
    }  # fmt: skip
    tables = []
    for name in [*files, "log.parquet", "log.xlsx"]:
        columns = {"customer_id": "who", "time": "when", "touchpoint": "where"}
        if "xes" in name:
            columns = {"customer_id": "case:concept:name", "time": "time:timestamp",
                       "touchpoint": "concept:name"}  # fmt: skip
        study = make(files, [{"path": name, "columns": columns}])
        tables.append(read_interactions(study).table)

    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])
    assert tables[0]["time"].dt.hour.tolist() == [6, 7]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-01T10:00:00Z", "2025-01-01 13:30"),
        ("2025-01-01 10:00:00 UTC", "2025-01-01 13:30"),
        ("2025-01-01T10:00+03:30", "2025-01-01 10:00"),
        ("2025-01-01 10:00", "2025-01-01 10:00"),
        ("2025/1/2 10:00:30.5", "2025-01-02 10:00:30.5"),
        ("1735725600", "2025-01-01 13:30"),
        ("1735725600000", "2025-01-01 13:30"),
        ("۱۴۰۴/۰۳/۱۸ ۱۴:۰۵", "2025-06-08 14:05"),
        ("1395-06-14", "2016-09-04"),
        ("۱۸ خرداد ۱۴۰۴ ساعت ۹:۳۰", "2025-06-08 09:30"),
        ("Oct 5, 2019 3:07 PM", "2019-10-05 15:07"),
        ("12:30 am 5 Oct 2019", "2019-10-05 00:30"),
        ("Oct 5, 2019 12:00 +02:00", "2019-10-05 13:30"),
        ("۱۴۰۴/۰۳/۱۸ ۱۲:۰۰ -01:00", "2025-06-08 16:30"),
        ("25/12/2024 08:00", "2024-12-25 08:00"),
        ("45816.75", "2025-06-08 18:00"),
        ("۳۰ اسفند ۱۴۰۴", None),
        ("2025-02-30", None),
        ("2025-01-01 25:00", None),
        ("", None),
        ("soon", None),
    ],
)
def test_times_as_people_write_them(text, expected):
    found = read_times(pd.Series([text], dtype="str"), zone="Asia/Tehran")

    assert found.dtype == "datetime64[us]"
    assert pd.isna(found[0]) if expected is None else found[0] == pd.Timestamp(expected)


def test_day_and_month_are_told_by_the_column_or_not_guessed():
    def read(*texts):
        return read_times(pd.Series(texts, dtype="str"), zone="UTC").dt.strftime("%d %b").tolist()

    assert read("03/04/2025", "25/04/2025") == ["03 Apr", "25 Apr"]
    assert read("03/04/2025", "04/25/2025") == ["04 Mar", "25 Apr"]
    assert pd.isna(read("03/04/2025", "05/06/2025")).all()
    assert pd.isna(read("03/04/2025", "25/04/2025", "04/25/2025")[0])


def test_messages_say_what_to_do(make):
    with pytest.raises(ColumnError, match=r"log\.csv.*lacks 'who'.*Did you mean 'whom'"):
        read_interactions(make({"log.csv": HEAD.replace("who", "whom") + "a,,,,,,,\n"}, [LONG]))
    with pytest.raises(ColumnError, match="UTF-8"):
        read_interactions(make({"log.csv": HEAD.encode() + b"\xff\xfe,,,,,,,\n"}, [LONG]))
    with pytest.raises(ColumnError, match="each column once"):
        read_interactions(make({"log.csv": "who,who\n"}, [LONG]))
    with pytest.raises(ColumnError, match="must be one of csv"):
        read_interactions(make({"log.dat": HEAD}, [{**LONG, "path": "log.dat"}]))
    with pytest.raises(JourneyError, match="IANA name; got 'Tehran'"):
        read_interactions(make({"log.csv": HEAD}, [LONG], time_zone="Tehran"))


def test_hostile_files_are_refused(make, monkeypatch):
    bomb = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa">]><log>&a;</log>'
    source = {"path": "log.xes", "columns": {"customer_id": "case:concept:name"}}
    with pytest.raises(UnsafeFileError, match="entities"):
        read_interactions(make({"log.xes": bomb}, [source]))
    monkeypatch.setattr("cjlib.events.files.MAX_UNPACKED_BYTES", 1000)
    packed = gzip.compress((HEAD + "a,,,,,,,\n" * 1000).encode())
    with pytest.raises(UnsafeFileError, match="Split the file"):
        read_interactions(make({"log.csv.gz": packed}, [{**LONG, "path": "log.csv.gz"}]))
    with pytest.raises(ColumnError, match="whole"):
        read_interactions(
            make(
                {"log.csv.gz": gzip.compress(HEAD.encode())[:-9]}, [{**LONG, "path": "log.csv.gz"}]
            )
        )


def test_a_study_without_events_says_so(make, tmp_path):
    make({"log.csv": HEAD}, [LONG])
    study = json.loads((tmp_path / "study.yaml").read_text())
    del study["events"]
    (tmp_path / "study.yaml").write_text(json.dumps(study))

    with pytest.raises(MissingSourceError, match="must have events"):
        read_interactions(load_study(tmp_path))


def test_an_empty_log_is_a_table_of_nothing(make):
    found = read_interactions(make({"log.csv": HEAD}, [LONG]))

    assert found.rows_read == 0
    assert found.table.empty
    assert "0 rows read" in found.summary()


def test_row_order_does_not_matter(make):
    rows = [f"{w},2025-01-0{d} 10:00,{t},,,,," for w in "abc" for d, t in
            ((1, "page"), (2, "pay"), (3, "parcel"))]  # fmt: skip
    one = read_interactions(make({"log.csv": HEAD + "\n".join(rows)}, [LONG])).table
    two = read_interactions(make({"log.csv": HEAD + "\n".join(rows[::-1])}, [LONG])).table

    pd.testing.assert_frame_equal(one, two)
