"""Importing cjlib brings nothing heavy: what a question needs is imported when it is asked."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "matplotlib", "seaborn", "sklearn", "scipy", "duckdb", "sqlalchemy", "pyspark", "openpyxl",
    "jinja2", "docx", "pptx", "IPython", "lark",
)  # fmt: skip
COUNT = "import sys, json, {modules}; print(json.dumps(sorted(sys.modules)))"


def imported_by(modules: str) -> set[str]:
    code = COUNT.format(modules=modules)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def pandas_alone():
    return imported_by("pandas")


def test_import_cjlib_costs_less_than_a_fifth_of_pandas(pandas_alone):
    own = imported_by("cjlib") - imported_by("pathlib")

    assert "pandas" not in own
    assert len(own) <= len(pandas_alone) / 5
    assert {name for name in own if not name.startswith("cjlib")} == set()


def test_a_study_and_its_log_bring_nothing_heavy(pandas_alone):
    own = imported_by("cjlib.study, cjlib.events") - pandas_alone

    assert {name.partition(".")[0] for name in own} & set(HEAVY) == set()
    others = {name for name in own if name.partition(".")[0] not in ("cjlib", "pyarrow")}
    assert len(others) <= len(pandas_alone) / 5


def test_checking_a_study_builds_no_grammar_of_addresses(tmp_path):
    code = (
        "import sys; from cjlib.validation import make_validator; "
        "print(make_validator({'type': 'string'}).is_valid(1), "
        "'lark' in sys.modules, 'rfc3987_syntax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False", "False"]
