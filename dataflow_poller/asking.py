"""What one answer means for the jobs after it: which keys rest, when the endpoint is given up, and what the log says.

Nothing else about a message is known to another one.
"""

from dataclasses import replace

from .answer import Answer, JobRefused, KeyRefused, KeyResting, Throttled, Unavailable
from .bing_maps import Endpoint
from .job import DataflowJob
from .log import RunLog
from .master_keys import MasterKeys, key_setting
from .status import STATES, JobStatus
from .tally import JobTally

UNAVAILABLE_IN_A_ROW = 10
"""Polls in a row without a usable answer that end the run."""


class StatusRequests:
    """The status requests of one run.

    Attributes:
        given_up: whether the endpoint was unavailable too often in a row to go on.
        tally: how many jobs met with what.
    """

    def __init__(self, endpoint: Endpoint, keys: MasterKeys, log: RunLog) -> None:
        self.given_up = False
        self.tally = JobTally()
        self._endpoint = endpoint
        self._keys = keys
        self._log = log
        self._resting: dict[str, KeyResting] = {}
        self._reported: set[str] = set()
        self._unavailable_in_a_row = 0
        for name, unusable in keys.unusable.items():
            self._report_key("master key not configured", name, unusable.reason)

    async def ask(self, job: DataflowJob) -> Answer:
        """Ask about one job; where its key rests or is not configured, that is the answer."""
        name = job.master_key_name
        key = self._keys.get(name)
        if key is None:
            self._report_key(
                "master key not configured",
                name,
                "a message names it: set the app setting, or correct the message's masterKeyName",
            )
            return KeyResting(f"master key {name} is not configured", 0)
        if name in self._resting:
            return self._resting[name]
        answer = await self._endpoint.ask(job, key)
        self._note(job, answer)
        if isinstance(answer, Throttled):  # Another answer may have asked for a longer rest of the key.
            return replace(answer, retry_after=self._resting[name].seconds)
        return answer

    def _note(self, job: DataflowJob, answer: Answer) -> None:
        name = job.master_key_name
        self._unavailable_in_a_row = self._unavailable_in_a_row + 1 if isinstance(answer, Unavailable) else 0
        match answer:
            case Unavailable(reason):
                self.given_up = self.given_up or self._unavailable_in_a_row >= UNAVAILABLE_IN_A_ROW
                self.tally.note("endpoint unavailable", job.job_id, host=self._endpoint.host, reason=reason)
            case Throttled(reason, retry_after):
                if name not in self._resting:
                    self._log.warning(
                        "master key throttled", masterKeyName=name, reason=reason, retryAfterSeconds=retry_after
                    )
                longest = max(retry_after, self._resting[name].seconds if name in self._resting else 0)
                self._resting[name] = KeyResting(reason, longest)
            case KeyRefused(reason):
                self._report_key("master key refused", name, reason)
                self._resting.setdefault(name, KeyResting(reason, 0))
            case JobRefused(reason):
                self.tally.note("job refused", job.job_id, masterKeyName=name, reason=reason)
            case JobStatus(state=state) if state not in STATES:
                self.tally.note("unknown status", job.job_id, status=state)

    def _report_key(self, event: str, name: str, reason: str) -> None:
        if name not in self._reported:
            self._reported.add(name)
            self._log.error(event, masterKeyName=name, setting=key_setting(name), reason=reason)
