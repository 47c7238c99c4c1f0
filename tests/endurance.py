"""Many invocations in one process, with an endpoint and storage that hang, drip and reset: nothing may be left of them.

It ends with the threads and descriptors that it began with, and the second half of the runs adds hardly any memory.
Run by `make endurance`; a short one is among the tests.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from azure.storage.queue import QueueClient

from local.azurite import azurite_with_clock
from local.endpoint import LoadJob, StandIn
from local.host import APP

from .conftest import CANARY
from .storage_proxy import Fault, StorageProxy

MOST_GROWTH = 2.0
"""MiB that the second half of the runs may add to the greatest memory."""

INVOCATIONS = """
import json, logging, os, resource, sys, threading
from dataflow_poller import storage
from dataflow_poller.errors import PollerError
from dataflow_poller.run import run

storage.TRY_SECONDS = 0.2  # Many runs are to fit into minutes.
logging.basicConfig(level=logging.INFO, stream=sys.stderr)

def left():
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(10)
    return {"threads": threading.active_count(), "descriptors": len(os.listdir("/dev/fd"))}

def mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)

runs, failed, before, half = int(sys.argv[1]), 0, left(), 0.0
for number in range(runs):
    if number == runs // 2:
        half = mib()
    try:
        run()
    except PollerError as error:
        failed += 1
        logging.info("%s", error)
print(json.dumps({"before": before, "after": left(), "failed": failed, "grown": mib() - half, "mib": mib()}))
"""
ENDPOINT_FAULTS = (
    "hang",
    "drip:head",
    "drip:body",
    "reset",
    "cut",
    "large:2",
    "status:500",
    "throttled:429",
    "bad_gzip",
)
STORAGE_FAULTS = ("hang", "drip head", "drip body", "reset", "close", "500")


@dataclass(frozen=True)
class Endurance:
    """What came of it.

    Attributes:
        failed: invocations that failed, as they should where storage could not be used.
        grown: MiB that the second half of the runs added.
        caused: faults of storage that were met with.
    """

    before: dict[str, int]
    after: dict[str, int]
    failed: int
    grown: float
    mib: float
    caused: int
    log: str


def endure(runs: int, seed: int, folder: Path) -> Endurance:
    """Let one process invoke the app so often, while storage and the endpoint fail by this seed."""
    chance = random.Random(seed)
    with (
        azurite_with_clock(folder) as (connection_string, clock),
        StorageProxy(connection_string) as proxy,
        StandIn(keys={CANARY}) as stand_in,
    ):
        queue = QueueClient.from_connection_string(connection_string, "load-jobs")
        queue.create_queue()
        for number in range(20):
            faults = chance.choices(ENDPOINT_FAULTS, k=20 * runs)
            job = stand_in.add(LoadJob(f"{number:032x}", 0, "never", faults))
            queue.send_message(job.job_id)

        def choose(request: bytes) -> Fault | None:
            if Fault("depth", "").strikes(request):  # The last request of a run: all is due again in the next one.
                clock.advance(60)
            strikes = chance.random() < 0.1
            return Fault("any", chance.choice(STORAGE_FAULTS), after=True) if strikes else None

        proxy.choose = choose
        env = {
            **os.environ, "JobStorage": proxy.connection_string, "BING_MAPS_URL": stand_in.url, "BING_MAPS_MASTER_KEY": CANARY,
            "POLL_MIN_DELAY_SECONDS": "1", "POLL_MAX_DELAY_SECONDS": "1", "POLL_REQUEST_SECONDS": "0.2", "POLL_RUN_SECONDS": "1",
        }  # fmt: skip
        command = [sys.executable, "-c", INVOCATIONS, str(runs)]
        process = subprocess.run(command, env=env, cwd=APP, capture_output=True, text=True, check=False)
    if process.returncode:
        raise RuntimeError(f"the invocations ended with an error:\n{process.stderr[-3000:]}")
    return Endurance(**json.loads(process.stdout), caused=proxy.caused.total(), log=process.stderr)


def main() -> None:
    """Endure, print the figures, and fail where anything is left."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="invocations (default: 200)")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="which faults (default: a random one)"
    )
    options = parser.parse_args()
    print(f"{options.runs} invocations in one process, seed {options.seed}; some seconds for ten ...", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        told = endure(options.runs, options.seed, Path(folder))
    print(
        f"before {told.before}, after {told.after}, {told.failed} invocations failed, {told.caused} faults of storage, "
        f"{told.mib:.0f} MiB at most, of which the second half added {told.grown:.2f}"
    )
    if told.before != told.after or told.grown > MOST_GROWTH:
        sys.exit(f"Something is left of the runs. Again: python -m tests.endurance --seed {options.seed}")


if __name__ == "__main__":
    main()
