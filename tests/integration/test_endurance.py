"""A short endurance run; `make endurance` makes a longer one."""

from pathlib import Path

from tests.endurance import endure
from tests.leaks import leaks_in


def test_nothing_is_left_running_after_ten_runs(tmp_path: Path) -> None:
    """Threads and descriptors are those from before, whatever storage and the endpoint did."""
    told = endure(10, 20280630, tmp_path)
    assert told.after == told.before
    assert told.caused > 0
    assert not leaks_in(told.log)
