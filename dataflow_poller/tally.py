"""Lines that say how many jobs met with the same: written at the end of a run, a bounded number of each event."""

from dataclasses import dataclass

from .log import RunLog

MAX_LINES = 20
"""Lines of an event in a run; what is beyond is one more, of all the others."""


@dataclass
class _Count:
    fields: dict[str, str]
    job_id: str
    jobs: int = 0


class JobTally:
    """Counts jobs by event and by what is said of them."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[tuple[str, ...], _Count]] = {}

    def note(self, event: str, job_id: str, **fields: str) -> None:
        """Count a job. ``fields`` tell one line of the event from another; the last one is the reason."""
        counts = self._counts.setdefault(event, {})
        key = tuple(fields.values())
        if key not in counts and len(counts) >= MAX_LINES:
            key, fields = (), {**fields, [*fields][-1]: "other"}
        counts.setdefault(key, _Count(fields, job_id)).jobs += 1

    def write(self, log: RunLog) -> None:
        """Write the lines."""
        for event, counts in self._counts.items():
            for count in counts.values():
                log.warning(event, **count.fields, jobs=count.jobs, jobId=count.job_id)
