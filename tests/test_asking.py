"""What an answer means for the requests after it, and for those in flight beside it."""

import asyncio
from typing import Any

from dataflow_poller.answer import Answer, KeyResting, Throttled
from dataflow_poller.asking import StatusRequests
from dataflow_poller.job import DataflowJob
from dataflow_poller.log import RunLog
from dataflow_poller.master_keys import MasterKey, MasterKeys

from .conftest import CANARY


class InFlight:
    """An endpoint that answers all at once, when so many have asked."""

    host = "endpoint.example"

    def __init__(self, answers: list[Answer]) -> None:
        self._answers = answers
        self._all = asyncio.Barrier(len(answers))

    async def ask(self, job: DataflowJob, _: object) -> Answer:
        await self._all.wait()
        return self._answers[int(job.job_id)]


def test_a_key_rests_as_long_as_the_longest_answer_asked_for() -> None:
    """Also for a job whose own answer, after that, asked for less; and no further request is begun."""

    async def ask() -> list[Answer]:
        endpoint: Any = InFlight([Throttled("a", 100), Throttled("b", 0), Throttled("c", 7)])
        keys = MasterKeys({"default": MasterKey(CANARY)}, {})
        requests = StatusRequests(endpoint, keys, RunLog(keys.mask))
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(requests.ask(DataflowJob(str(number)))) for number in range(3)]
        return [*(each.result() for each in asked), await requests.ask(DataflowJob("0"))]

    *throttled, resting = asyncio.run(ask())
    waits = sorted(answer.retry_after for answer in throttled if isinstance(answer, Throttled))
    assert waits[-1] == 100
    assert len(waits) == 3
    assert isinstance(resting, KeyResting)
    assert resting.seconds == 100
