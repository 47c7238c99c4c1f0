"""A fresh Azurite, a stand-in endpoint in a process of its own and a counting proxy for one measurement."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.storage.queue import QueueClient

from local.azurite import azurite
from local.host import APP

STAND_IN = """
import sys
from local.endpoint import LoadJob, StandIn
jobs, end, latency = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
with StandIn(latency=latency) as stand_in:
    for number in range(jobs):
        stand_in.add(LoadJob(f"{number:032x}", 0, end))
    print(stand_in.url, flush=True)
    sys.stdin.read()
    print(len(stand_in.requests), flush=True)
"""


@dataclass(frozen=True)
class Load:
    """What is to be drained."""

    jobs: int
    end: str = "completed"
    latency: float = 0
    concurrency: int = 16


class Rig:
    """Storage with a load in its queue, and the endpoint that knows the jobs."""

    def __init__(self, load: Load, connection_string: str, endpoint: subprocess.Popen[str]) -> None:
        assert endpoint.stdout is not None, "it was started with a pipe"
        self.connection_string = connection_string
        self.endpoint = endpoint
        self.env = {
            **os.environ,
            "JobStorage": connection_string,
            "BING_MAPS_URL": endpoint.stdout.readline().strip(),
            "BING_MAPS_MASTER_KEY": "key-of-the-bench&+/%",
            "POLL_CONCURRENCY": str(load.concurrency),
            "POLL_RUN_SECONDS": "600",
            "PYTHONPATH": str(APP),
        }

    def drain(self, poller: str, processes: int = 1) -> dict[str, float]:
        """Let so many processes of a poller drain the queue; what it cost in all."""
        command = [sys.executable, "-m", "bench.peers", poller]
        running = [
            subprocess.Popen(command, env=self.env, cwd=APP, stdout=subprocess.PIPE, text=True)
            for _ in range(processes)
        ]
        costs: list[dict[str, float]] = [json.loads(process.communicate()[0].splitlines()[-1]) for process in running]
        return {
            "seconds": max(cost["seconds"] for cost in costs),
            "cpu": sum(cost["cpu"] for cost in costs),
            "mib": max(cost["mib"] for cost in costs),
        }


@contextmanager
def rig(load: Load) -> Iterator[Rig]:
    """Everything fresh: Azurite's cost per operation follows the messages of the whole instance."""
    command = [sys.executable, "-c", STAND_IN, str(load.jobs), load.end, str(load.latency)]
    endpoint = subprocess.Popen(command, cwd=APP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, azurite(Path(folder)) as connection_string:
        fresh = Rig(load, connection_string, endpoint)
        queue = QueueClient.from_connection_string(connection_string, "load-jobs")
        queue.create_queue()
        make_table(connection_string)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda number: queue.send_message(f"{number:032x}"), range(load.jobs)))
        try:
            yield fresh
        finally:
            endpoint.communicate("")


def make_table(connection_string: str) -> None:
    """The table, so that no poller pays for making it."""
    from azure.data.tables import TableClient

    TableClient.from_connection_string(connection_string, "DataSources").create_table()


def storage_alone(load: Load) -> float:
    """Seconds that the unavoidable storage requests take by themselves, as many at once as the app makes.

    Claims in pages of 32, rows in batches of 100, a delete each for jobs that ended; claims only for pending ones.
    """
    from azure.data.tables import TableClient

    with rig(load) as fresh, ThreadPoolExecutor(8) as threads:
        queue = QueueClient.from_connection_string(fresh.connection_string, "load-jobs")
        table = TableClient.from_connection_string(fresh.connection_string, "DataSources")
        began = time.perf_counter()
        messages: list[Any] = []
        while page := list(next(queue.receive_messages(messages_per_page=32, visibility_timeout=60).by_page(), [])):
            messages += page
        if load.end != "never":
            rows = [
                {"PartitionKey": "default", "RowKey": message.content, "Status": "Completed"} for message in messages
            ]
            batches = [rows[at : at + 100] for at in range(0, len(rows), 100)]
            list(threads.map(lambda batch: table.submit_transaction([("upsert", row) for row in batch]), batches))
            list(threads.map(queue.delete_message, messages))
        return time.perf_counter() - began
