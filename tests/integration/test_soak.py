"""A short soak; `make soak` runs a longer one."""

from pathlib import Path

from tests.soak import Soak


def test_a_short_soak_loses_and_leaks_nothing(tmp_path: Path) -> None:
    """Random faults of everything at once, random kills, then calm: all is there, once, and right."""
    soak = Soak(seconds=5, seed=20280630, jobs=100, pollers=2, folder=tmp_path)
    assert soak.run(), soak.figures
