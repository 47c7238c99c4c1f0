"""`make bench`: ours beside its peers and the bound, in one run, on fresh storage for each measurement."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from local.host import APP
from tests.storage_proxy import StorageProxy

from . import report
from .policy import POLICIES, simulate
from .rig import Load, rig, storage_alone

SEQUENTIAL_JOBS = 25
"""The sequential loop drains so many, and its time is scaled: all of them would take minutes."""


def drained(load: Load, poller: str, processes: int = 1) -> dict[str, float]:
    """What a poller needs for a load, on a fresh rig."""
    with rig(load) as fresh:
        return fresh.drain(poller, processes)


def comparison(load: Load) -> dict[str, Any]:
    """Ours, its peers and the bound, for one load."""
    few = replace(load, jobs=min(load.jobs, SEQUENTIAL_JOBS))
    storage = storage_alone(load)
    requests = load.latency * load.jobs / load.concurrency
    return {
        "load": vars(load),
        "ours": drained(load, "ours"),
        "asyncio": drained(load, "asyncio"),
        "sequential": {"seconds": drained(few, "sequential")["seconds"] * load.jobs / few.jobs},
        "bound": {"seconds": max(storage, requests), "storage": storage, "requests": requests},
    }


def requests_per_job(end: str, jobs: int = 300) -> dict[str, float]:
    """Storage and status requests a job, counted by a proxy before Azurite."""
    with rig(Load(jobs, end)) as fresh, StorageProxy(fresh.connection_string) as proxy:
        fresh.env["JobStorage"] = proxy.connection_string
        cost = fresh.drain("ours")
        operations = {name: count / jobs for name, count in proxy.operations.items()}
    return {"storage requests": sum(operations.values()), "cpu ms": 1000 * cost["cpu"] / jobs, **operations}


def growth(jobs: int) -> dict[str, float]:
    """Ours with so many jobs, and what of it is Azurite's own."""
    return drained(Load(jobs), "ours") | {"storage alone": storage_alone(Load(jobs))}


def idle() -> dict[str, float]:
    """A run with nothing to do, in a process of its own, the second in it, so without imports."""
    code = (
        "import json, time; from dataflow_poller.run import run; run(); wall, cpu = time.perf_counter(), time.process_time(); run(); "
        "print(json.dumps({'wall ms': 1000 * (time.perf_counter() - wall), 'cpu ms': 1000 * (time.process_time() - cpu)}))"
    )
    with rig(Load(0)) as fresh, StorageProxy(fresh.connection_string) as proxy:
        env = {**fresh.env, "JobStorage": proxy.connection_string}
        run = subprocess.run([sys.executable, "-c", code], env=env, cwd=APP, capture_output=True, check=True)
        cost: dict[str, float] = json.loads(run.stdout)
        return {"storage requests": proxy.operations.total() / 2, **cost}


def cold_start() -> dict[str, float]:
    """Milliseconds from the start of the interpreter until a module is imported, the best of five."""

    def best(code: str) -> float:
        def once() -> float:
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], cwd=APP, check=True)
            return 1000 * (time.perf_counter() - began)

        return min(once() for _ in range(5))

    return {
        "nothing": best("pass"),
        "function_app": best("import function_app"),
        "and the first run's": best("import function_app, dataflow_poller.run"),
    }


def main() -> None:
    """Measure everything, print the table, write JSON and picture."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000, help="jobs in each comparison (default: 1000)")
    parser.add_argument(
        "--folder", type=Path, default=APP / "docs", help="where performance.json and .svg go (default: docs)"
    )
    options = parser.parse_args()
    console = Console(width=max(Console().width, 120))
    began = time.perf_counter()
    jobs = options.jobs

    def measured[T](what: str, measure: Callable[[], T]) -> T:
        with console.status(f"{what} ..."):
            outcome = measure()
        console.print(f"[dim]{time.perf_counter() - began:4.0f} s  {what}[/dim]")
        return outcome

    loads = [Load(jobs, "completed", latency, concurrency) for latency in (0, 0.05, 0.2) for concurrency in (16, 64)]
    loads += [Load(jobs, "never", 0, 16)]
    results: dict[str, Any] = {
        "machine": report.machine(),
        "comparisons": [
            measured(
                f"{load.end}, {1000 * load.latency:.0f} ms, concurrency {load.concurrency}",
                partial(comparison, load),
            )
            for load in loads
        ],
        "per completed job": measured("requests per completed job", lambda: requests_per_job("completed")),
        "per pending poll": measured("requests per pending poll", lambda: requests_per_job("never")),
        "idle run": measured("an idle run", idle),
        "cold start ms": measured("cold start", cold_start),
        "growth": {
            str(number): measured(
                f"{number} jobs",
                partial(growth, number),
            )
            for number in (jobs // 4, jobs, 4 * jobs)
        },
        "pollers": {
            str(number): measured(f"{number} pollers", partial(drained, Load(jobs // 2, latency=0.05), "ours", number))
            for number in (1, 2, 4)
        },
        "policies": {
            name: vars(measured(f"policy: {name}", partial(simulate, policy))) for name, policy in POLICIES.items()
        },
    }
    results["seconds"] = time.perf_counter() - began
    report.show(results, console)
    report.write(results, options.folder)
    console.print(f"\n{results['seconds']:.0f} s in all. Written: {options.folder / 'performance.json'} and .svg")


if __name__ == "__main__":
    main()
