"""`make run`: the whole app on this machine, with a dozen jobs from queued to ended.

Real: the queue and the table (Azurite), HTTP, Microsoft's Python worker runtime. Stood in for: the status endpoint.
"""

import argparse
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity
from azure.storage.queue import QueueClient
from rich.console import Console
from rich.live import Live
from rich.table import Table

from .azurite import azurite
from .endpoint import StandIn

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".local/demo"
KEY = "key-of-the-demo&+/%"
TIME_LIMIT = 50
"""Seconds after which the demo gives up."""


@dataclass(frozen=True)
class Scripted:
    """A job to submit, and how it is to end."""

    name: str
    seconds: float
    end: str
    status: str
    form: str = "json"
    faults: str = ""


SCRIPT = [
    Scripted("Stores", 1, "completed", "Completed"),
    Scripted("Territories", 3, "completed", "Completed", "xml"),
    Scripted("Assets", 6, "completed", "Completed", "bare id"),
    Scripted("Depots", 9, "completed", "Completed", "status URL"),
    Scripted("Branches", 12, "completed", "Completed", "base64"),
    Scripted("Vans", 15, "completed", "Completed"),
    Scripted("Parcels", 4, "failures", "Completed"),
    Scripted("Routes", 2, "nolink", "Completed"),
    Scripted("Customers", 3, "aborted", "Aborted", "xml"),
    Scripted("Meters", 5, "nolog", "Aborted"),
    Scripted("Kiosks", 4, "completed", "Completed", faults="status:500|reset"),
    Scripted("Poles", 4, "completed", "Completed", faults="status:404|status:404"),
    Scripted("Ghosts", 0, "completed", "Rejected", faults="status:404|status:404|status:404"),
]
MALFORMED = '{"jobId": "f8293dc72ac04942b7cb003c9608c547", "outptu": "xml"}'


def message(job: Scripted, job_id: str, status_url: str) -> str:
    """The job's queue message, in the form that the script names."""
    text = json.dumps({"jobId": job_id})
    return {
        "json": text,
        "xml": json.dumps({"jobId": job_id, "masterKeyName": "demo", "output": "xml"}),
        "bare id": job_id,
        "status URL": json.dumps({"statusUrl": status_url}),
        "base64": base64.b64encode(text.encode()).decode(),
    }[job.form]


@contextmanager
def functions_host(connection_string: str, endpoint: str) -> Iterator[subprocess.Popen[bytes]]:
    """The local Functions host with the app; what it logs goes to a file."""
    settings = {
        "JobStorage": connection_string,
        "BING_MAPS_URL": endpoint,
        "BING_MAPS_MASTER_KEY": KEY,
        "BING_MAPS_MASTER_KEY_DEMO": KEY,
        "POLL_SCHEDULE": "* * * * * *",
        "POLL_MIN_DELAY_SECONDS": "1",
        "POLL_REQUEST_SECONDS": "2",
    }
    no_settings = FOLDER / "no.settings.json"  # So that a developer's own file is not read.
    no_settings.write_text('{"Values": {}}')
    with (FOLDER / "host.log").open("wb") as log:
        command = [sys.executable, "-m", "local.host", "--settings", str(no_settings)]
        process = subprocess.Popen(command, env={**os.environ, **settings}, cwd=ROOT, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


class Demo:
    """The scripted jobs and what has become of them."""

    def __init__(self, stand_in: StandIn, connection_string: str) -> None:
        self._stand_in = stand_in
        self._queue = QueueClient.from_connection_string(connection_string, "load-jobs")
        self._poison = QueueClient.from_connection_string(connection_string, "load-jobs-poison")
        self._table = TableClient.from_connection_string(connection_string, "DataSources")
        self._jobs: dict[str, Scripted] = {}
        self._started = time.monotonic()
        self.rows: dict[str, TableEntity] = {}
        self.poisoned = False

    def submit(self) -> None:
        """Create each job at the endpoint, then queue it, as a developer would."""
        self._queue.create_queue()
        for job in SCRIPT:
            script: dict[str, str | float] = {
                "dataSourceName": job.name,
                "seconds": job.seconds,
                "end": job.end,
                "faults": job.faults,
                "key": KEY,
            }
            url = f"{self._stand_in.url}/REST/v1/Dataflows/LoadDataSource"
            response = requests.post(url, params=script, timeout=10)
            response.raise_for_status()
            status_url = response.headers["Location"]
            job_id = status_url.rpartition("/")[2]
            self._jobs[job_id] = job
            self._queue.send_message(message(job, job_id, status_url))
        self._queue.send_message(MALFORMED)

    def look(self) -> bool:
        """Read table and poison queue; say whether everything has ended."""
        try:
            self.rows = {row["RowKey"]: row for row in self._table.list_entities()}
            self.poisoned = [peeked.content for peeked in self._poison.peek_messages(32)] == [MALFORMED]
        except ResourceNotFoundError:
            pass  # The app makes them when it needs them.
        return len(self.rows) == len(SCRIPT) and self.poisoned

    def as_scripted(self) -> bool:
        """Whether every job ended as it should."""
        ends = {job_id: row["Status"] for job_id, row in self.rows.items()}
        return self.poisoned and ends == {job_id: job.status for job_id, job in self._jobs.items()}

    def lines(self) -> list[tuple[str, str, str, str, str, str]]:
        """Name, form of the message, status, age, polls and outcome of each job."""
        age = f"{time.monotonic() - self._started:.0f} s"
        lines = []
        for job_id, job in self._jobs.items():
            polls = self._stand_in.jobs[job_id].polls
            row = self.rows.get(job_id)
            if row is None:
                lines.append((job.name, job.form, "Pending" if polls else "queued", age, str(polls), ""))
            else:
                took = f"{(row['RecordedDate'] - row['SubmittedDate']).total_seconds():.0f} s"
                outcome = row["DataSourceUrl"] or row.get("ErrorMessage", "")
                lines.append((job.name, job.form, row["Status"], took, str(row["Polls"]), outcome))
        lines.append(
            (
                "(a typo)",
                "json",
                "poisoned" if self.poisoned else "queued",
                "",
                "",
                "kept in load-jobs-poison" if self.poisoned else "",
            )
        )
        return lines

    def table(self) -> Table:
        """All of it as a table."""
        table = Table(title="Load jobs, from the queue to the table", expand=True)
        for column in ("data source", "message", "status", "age", "polls"):
            table.add_column(column, no_wrap=True, justify="right" if column in ("age", "polls") else "left")
        table.add_column("data source URL, or what went wrong", overflow="fold", ratio=1)
        colours = {"Completed": "green", "poisoned": "magenta", "Pending": "yellow", "queued": "dim"}
        for line in self.lines():
            table.add_row(*line, style=colours.get(line[2], "red"))
        return table


def watch(demo: Demo, host: subprocess.Popen[bytes], console: Console) -> None:
    """Show the jobs until all have ended, the host has, or time is up: a live table, or lines without a terminal."""
    shown: set[tuple[str, str]] = set()
    end = time.monotonic() + TIME_LIMIT
    with Live(demo.table(), console=console, transient=True, auto_refresh=False) as live:
        done = False
        while not done and time.monotonic() < end and host.poll() is None:
            time.sleep(0.25)
            done = demo.look()
            if console.is_terminal:
                live.update(demo.table(), refresh=True)
                continue
            for name, form, status, age, polls, outcome in demo.lines():
                if (name, status) not in shown:
                    shown.add((name, status))
                    print(f"{name:12} {form:10} {status:10} {age:>5} {polls:>3} {outcome}".rstrip(), flush=True)


def main() -> None:
    """Run the demo; exit 0 only if every job ended as scripted."""
    argparse.ArgumentParser(prog="python -m local.demo", description=__doc__).parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "azurite").mkdir(parents=True)
    print("Starting Azurite, a stand-in for the status endpoint, and the Functions host ...", flush=True)
    try:
        with azurite(FOLDER / "azurite") as connection_string, StandIn(keys={KEY}) as stand_in:
            demo = Demo(stand_in, connection_string)
            demo.submit()
            print(f"{len(SCRIPT)} jobs and a malformed message are queued; this takes about 25 seconds.", flush=True)
            with functions_host(connection_string, stand_in.url) as host:
                watch(demo, host, console)
    except RuntimeError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Stopped before the end.")
    if console.is_terminal:
        console.print(demo.table())
    print(f"\nThe table DataSources has {len(demo.rows)} rows. What the app logged: {FOLDER / 'host.log'}")
    if not demo.as_scripted():
        sys.exit("Not every job ended as scripted: look for WARNING and ERROR there.")
    print("Every job ended as scripted. Next: README.md, 'Submit a job' and 'Read the rows'.")


if __name__ == "__main__":
    main()
