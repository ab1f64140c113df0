"""Lookups are read once for all batches of a source."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
from test_events_store import COLUMNS, ask, study_of

from cjlib.events import journey_log, read_interactions, sources, store_log


def test_a_lookup_is_read_once_for_all_batches(tmp_path, monkeypatch):
    lines = [f"{i % 9},2025-01-{1 + i % 28:02d},{('page', 'pay')[i % 2]}" for i in range(90)]
    (tmp_path / "log.csv").write_text("id,when,where\n" + "\n".join(lines))
    (tmp_path / "people.csv").write_text("id,who\n" + "".join(f"{i},c{i % 4}\n" for i in range(8)))
    (tmp_path / "money.csv").write_text(
        "id,paid\n" + "".join(f"{i},1.5\n{i},2\n" for i in range(5))
    )
    columns = {name: COLUMNS[name] for name in ("customer_id", "time", "touchpoint", "amount")}
    joins = [{"path": "people.csv", "on": "id", "columns": ["who"]},
             {"path": "money.csv", "on": "id", "sum": ["paid"]}]  # fmt: skip
    study = study_of(tmp_path, [{"path": "log.csv", "columns": columns, "joins": joins}])
    read = sources.read_table
    seen = []
    monkeypatch.setattr(sources, "read_table", lambda p, **o: seen.append(p.name) or read(p, **o))
    stored = store_log(study, tmp_path / "kept", batch=7, partitions=2)

    assert seen == ["people.csv", "money.csv"]
    whole = read_interactions(study)
    assert whole.scope.set_index("reason")["rows"]["no customer"] == 10  # id 8 is in no lookup
    assert ask(stored, "touchpoint") == ask(journey_log(whole), "touchpoint")
    assert np.nansum(stored.load().amounts) == whole.table["amount"].sum() == 50 * 3.5
    assert stored.reading()["why"].tolist() == ["lookups are joined to it"]
    pq.write_table(sources.to_arrow(read(tmp_path / "log.csv", shown="")), tmp_path / "log.parquet")
    source = {"path": "log.parquet", "columns": columns, "joins": joins}
    again = store_log(study_of(tmp_path, [source]), tmp_path / "kept")
    assert ask(again, "touchpoint") == ask(stored, "touchpoint")
