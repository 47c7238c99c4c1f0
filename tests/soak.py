"""Many jobs, several pollers, random faults of everything at once, random kills; then calm, and a reckoning.

At the end queue, table and poison queue together must have every message that was sent, each job one row with the
right end, and the master key must be nowhere. A seed decides which faults strike; when they do is the machine's.
"""

import argparse
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient

from local.azurite import Clock, azurite_with_clock
from local.endpoint import LoadJob, StandIn
from local.host import APP

from .conftest import CANARY, OTHER_KEY
from .leaks import leaks_in
from .storage_proxy import OPERATIONS, Fault, StorageProxy

POLLER = """
import logging, sys, time
logging.basicConfig(level=logging.DEBUG)
from dataflow_poller import log, run
log.NOISY_LIBRARIES = ()
while True:
    try:
        run.run()
    except Exception:
        logging.exception("the run failed")
    time.sleep(0.3)
"""
ENDPOINT_FAULTS = [
    "status:500", "status:502", "status:404", "throttled:429", "throttled:503;Retry-After: 1", "shed", "credentials:200", "status:401",
    "body:<html>", "body:{}", "body:null", "redirect:http://127.0.0.1:1/", "reset", "drip:head", "drip:body", "cut", "bad_gzip",
    "bad_chunking", "large:2", "gzip_bomb:3", "entity_bomb", 'job:{"id": "0"}', 'job:{"status": "Odd"}',
]  # fmt: skip
EXPECTED = {
    "completed": "Completed",
    "failures": "Completed",
    "nolink": "Completed",
    "aborted": "Aborted",
    "nolog": "Aborted",
}
CALM_SECONDS = 90


class Soak:
    """One soak."""

    def __init__(self, seconds: float, seed: int, jobs: int, pollers: int, folder: Path) -> None:
        self._random = random.Random(seed)
        self._seconds = seconds
        self._pollers = pollers
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._jobs = [self._job() for _ in range(jobs)]
        self._poison = [f"poison {number} {CANARY if number % 3 == 0 else ''}" for number in range(jobs // 20)]
        self.figures: dict[str, object] = {"seed": seed, "jobs": jobs, "kills": 0}

    def run(self) -> bool:
        """Do it; say whether nothing is lost and nothing has leaked."""
        with (
            azurite_with_clock(self._folder) as (connection_string, clock),
            StorageProxy(connection_string) as proxy,
            StandIn(keys={CANARY, OTHER_KEY}) as stand_in,
        ):
            proxy.choose = self._storage_fault
            for job in self._jobs:
                stand_in.add(job)
            endpoint_faults = Counter(fault.partition(":")[0] for job in self._jobs for fault in job.faults)
            self._submit(connection_string)
            try:
                kills = self._storm(proxy.connection_string, stand_in.url)
                proxy.choose = lambda _: None
                for job in self._jobs:
                    job.faults.clear()
                self._wait_until_settled(connection_string, clock)
            finally:
                for process in self._processes:
                    process.kill()
                    process.wait()
            self.figures |= {"kills": kills, **dict(sorted((proxy.caused + endpoint_faults).items()))}
            return self._reckon(connection_string)

    def _job(self) -> LoadJob:
        end = self._random.choice(list(EXPECTED))
        faults = self._random.sample(ENDPOINT_FAULTS, self._random.choice([0, 0, 1, 2, 4]))
        job_id = uuid.UUID(int=self._random.getrandbits(128)).hex
        return LoadJob(job_id, self._random.uniform(0, self._seconds), end, faults)

    def _submit(self, connection_string: str) -> None:
        queue = QueueClient.from_connection_string(connection_string, "load-jobs")
        queue.create_queue()
        texts = list(self._poison)
        for job in self._jobs:
            name = self._random.choice(["default", "other"])
            text = json.dumps(
                {"jobId": job.job_id, "masterKeyName": name, "output": self._random.choice(["json", "xml"])}
            )
            texts.append(self._random.choice([text, base64.b64encode(text.encode()).decode()]))
            if self._random.random() < 0.05:
                texts.append(text)
        self._random.shuffle(texts)
        for text in texts:
            queue.send_message(text)

    def _storage_fault(self, request: bytes) -> Fault | None:
        if self._random.random() > 0.05:
            return None
        operation = next((name for name in OPERATIONS if Fault(name, "").strikes(request)), "other")
        return Fault(operation, self._random.choice(["500", "503", "close"]), after=self._random.random() < 0.5)

    def _storm(self, connection_string: str, endpoint: str) -> int:
        """Run the pollers and kill one now and then, until time is up; the number of kills."""
        env = {
            **os.environ, "JobStorage": connection_string, "BING_MAPS_URL": endpoint, "BING_MAPS_MASTER_KEY": CANARY,
            "BING_MAPS_MASTER_KEY_OTHER": OTHER_KEY, "POLL_MIN_DELAY_SECONDS": "1", "POLL_MAX_DELAY_SECONDS": "2",
            "POLL_REQUEST_SECONDS": "1", "POLL_RUN_SECONDS": "5",
        }  # fmt: skip
        end, kills = time.monotonic() + self._seconds, 0
        self._processes = [self._poller(env) for _ in range(self._pollers)]
        while time.monotonic() < end:
            time.sleep(self._random.uniform(0.2, 1.5))
            victim = self._random.randrange(self._pollers)
            self._processes[victim].kill()
            self._processes[victim].wait()
            self._processes[victim] = self._poller(env)
            kills += 1
        return kills

    def _poller(self, env: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self._folder / f"poller-{uuid.uuid4().hex}.log").open("wb") as log:
            return subprocess.Popen([sys.executable, "-c", POLLER], env=env, cwd=APP, stdout=log, stderr=log)

    def _wait_until_settled(self, connection_string: str, clock: Clock) -> None:
        """Let the pollers work, and storage's clock run ahead meanwhile, so that they wait for no delay."""
        queue = QueueClient.from_connection_string(connection_string, "load-jobs")
        end = time.monotonic() + CALM_SECONDS
        while queue.get_queue_properties().approximate_message_count and time.monotonic() < end:
            clock.advance(2)
            time.sleep(0.3)

    def _reckon(self, connection_string: str) -> bool:
        rows = [
            dict(row) for row in TableClient.from_connection_string(connection_string, "DataSources").list_entities()
        ]
        poison = _texts(connection_string, "load-jobs-poison")
        waiting = _texts(connection_string, "load-jobs")
        statuses = {row["JobId"]: row["Status"] for row in rows}
        lost = [job.job_id for job in self._jobs if job.job_id not in statuses and job.job_id not in "".join(waiting)]
        lost += [text for text in self._poison if text.replace(CANARY, "***") not in poison and text not in waiting]
        wrong = [job.job_id for job in self._jobs if statuses.get(job.job_id) != EXPECTED[job.end]]
        logs = "".join(path.read_text("utf-8", "replace") for path in self._folder.glob("poller-*.log"))
        leaks = sum(leaks_in(text) for text in (logs, repr(rows), "\n".join(poison)))
        self.figures |= {
            "rows": len(rows), "duplicates": len(rows) - len(statuses), "poison": len(poison), "waiting": len(waiting),
            "wrong": len(wrong), "lost": len(lost), "leaks": leaks,
        }  # fmt: skip
        return not (lost or wrong or leaks or len(rows) != len(statuses))


def _texts(connection_string: str, name: str) -> list[str]:
    queue = QueueClient.from_connection_string(connection_string, name)
    try:
        return [message.content for message in queue.receive_messages(messages_per_page=32, visibility_timeout=300)]
    except ResourceNotFoundError:
        return []


def main() -> None:
    """Soak, print one line of figures, and fail where anything is lost or has leaked."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long the storm lasts (default: 60)")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="replays the faults of a soak (default: a random one)"
    )
    parser.add_argument("--jobs", type=int, default=500, help="how many jobs (default: 500)")
    parser.add_argument("--pollers", type=int, default=3, help="how many processes poll (default: 3)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    print(
        f"Soaking for {options.seconds:g} s and until all is settled; seed {options.seed}, logs in {folder}", flush=True
    )
    soak = Soak(options.seconds, options.seed, options.jobs, options.pollers, folder)
    sound = soak.run()
    print(", ".join(f"{name}: {value}" for name, value in soak.figures.items()))
    sys.exit(
        0
        if sound
        else f"Something is lost, wrong or has leaked. Again: make soak SECONDS={options.seconds:g} SEED={options.seed}"
    )


if __name__ == "__main__":
    main()
