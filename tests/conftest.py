"""Fixtures and settings that every test shares."""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

mpl.use("Agg")
settings.register_profile("kit", deadline=None, derandomize=True)
settings.load_profile("kit")

ROOT = Path(__file__).resolve().parent.parent


class NotebooksInOrder(LoadScopeScheduling):
    """Share out tests a file at a time, and all notebooks as one: each reads the ones before."""

    def _split_scope(self, nodeid: str) -> str:
        return "notebooks" if nodeid.startswith("notebooks/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    """Choose the way tests are shared out over workers."""
    return NotebooksInOrder(config, log)


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data sets, or a skip that says why."""
    place = Path(os.environ.get("CJLIB_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not place.is_dir():
        pytest.skip(f"the real data sets are not at {place} (set CJLIB_SHARED_DATA)")
    return place


@pytest.fixture(scope="session")
def sepidar() -> Path:
    """The shipped study."""
    return ROOT / "data" / "sepidar"


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    from matplotlib import pyplot as plt

    plt.close("all")
