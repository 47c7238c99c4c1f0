"""Lines with a count of jobs: one a reason, and not without end."""

import json

import pytest

from dataflow_poller.log import RunLog
from dataflow_poller.tally import MAX_LINES, JobTally


def lines(tally: JobTally, caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    caplog.clear()
    tally.write(RunLog(lambda text: text))
    return [(line[: line.index(" {")], json.loads(line[line.index("{") :])) for line in caplog.messages]


def test_jobs_that_met_with_the_same_are_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """With how many they are, and one of them."""
    tally = JobTally()
    for job in ("a", "b"):
        tally.note("endpoint unavailable", job, host="h", reason="timed out")
    tally.note("endpoint unavailable", "c", host="h", reason="HTTP 500")
    tally.note("unknown status", "d", status="Odd")
    assert lines(tally, caplog) == [
        ("endpoint unavailable", {"host": "h", "reason": "timed out", "jobs": 2, "jobId": "a"}),
        ("endpoint unavailable", {"host": "h", "reason": "HTTP 500", "jobs": 1, "jobId": "c"}),
        ("unknown status", {"status": "Odd", "jobs": 1, "jobId": "d"}),
    ]


def test_what_is_beyond_the_bound_is_one_more_line(caplog: pytest.LogCaptureFixture) -> None:
    """A service that gives another reason each time does not flood the log; nothing is uncounted."""
    tally = JobTally()
    for number in range(1000):
        tally.note("job refused", str(number), masterKeyName="default", reason=f"HTTP 404; {number}")
    tally.note("job refused", "again", masterKeyName="default", reason="HTTP 404; 0")
    written = lines(tally, caplog)
    assert len(written) == MAX_LINES + 1
    assert written[0][1]["jobs"] == 2
    assert written[-1] == ("job refused", {"masterKeyName": "default", "reason": "other", "jobs": 1000 - MAX_LINES, "jobId": str(MAX_LINES)})  # fmt: skip
