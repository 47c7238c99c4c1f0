"""The stand-in for the status endpoint of Bing Maps Spatial Data Services.

It answers `GET .../LoadDataSource/{jobId}` about jobs that take a given time and end as given, and it creates such
jobs on `POST .../LoadDataSource`, so that a load can be submitted, queued and watched as in real life.
"""

import argparse
import asyncio
import re
import threading
import uuid
from asyncio import IncompleteReadError, LimitOverrunError, Server, StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from .documents import Job, envelope
from .faults import FAULTS, http
from .threaded_server import ThreadedServer, url_of

PUBLIC_DATA = "https://spatial.virtualearth.net/REST/v1/data/20181f26d9e94c81acdf9496133d4f23"
ENDS = ("completed", "failures", "nolink", "aborted", "nolog", "never")
_PATH = re.compile(r"(?i)/REST/v1/Dataflows/LoadDataSource(?:/([^/]+))?")


@dataclass
class LoadJob:
    """A job of the stand-in.

    Attributes:
        job_id: without case, as the service has its ids.
        seconds: until it ends, from when it was added.
        end: one of `ENDS`: completed, ... with failed entities, ... without a link, aborted, ... without a log, never.
        faults: what the first polls meet instead of an answer, in order (see faults.py).
    """

    job_id: str
    seconds: float = 0
    end: str = "completed"
    faults: list[str] = field(default_factory=list)
    name: str = "FourthCoffeeSample"
    polls: int = 0

    @property
    def data_source_url(self) -> str:
        """What a poller is to find."""
        return f"{PUBLIC_DATA}/{self.name}"

    def document(self, created: datetime, now: datetime) -> Job:
        """The job as the service would show it at that time."""
        ends = created + timedelta(seconds=self.seconds)
        ended = now >= ends and self.end != "never"
        links = [
            {
                "role": "self",
                "name": "status",
                "url": f"https://spatial.virtualearth.net/REST/v1/dataflows/LoadDataSource/{self.job_id}",
            }
        ]
        job: Job = {
            "id": self.job_id,
            "links": links,
            "description": None if self.end == "nolink" else f"load of {self.name}",
            "status": "Pending",
            "createdDate": created,
            "completedDate": ends if ended else None,
            "totalEntityCount": 100,
            "processedEntityCount": 100 if ended else 0,
            "failedEntityCount": 0,
        }
        if ended and self.end in ("aborted", "nolog"):
            job |= {"status": "Aborted", "errorMessage": "The data source schema is invalid."}
            if self.end == "aborted":
                links.append({"role": "output", "name": "failed", "url": f"{PUBLIC_DATA}/logs/{self.job_id}"})
        elif ended:
            job |= {"status": "Completed", "failedEntityCount": 7 if self.end == "failures" else 0}
            if self.end != "nolink":
                role = "dataSource" if self.job_id < "8" else "datasource"  # The reference prints both.
                links.append({"role": role, "name": "service", "url": self.data_source_url})
        return job


class StandIn(ThreadedServer):
    """The stand-in on a thread of its own; a context manager.

    Attributes:
        jobs: by job id in lower case; what they are to do may be changed at any time.
        keys: the master keys it accepts; None for any.
        latency: seconds before it answers.
        meanwhile: called for each request before it is answered, on the stand-in's thread: what happens elsewhere while
            the caller waits.
        requests: method and target of every request that came in, key included.
        most_in_flight: the greatest number of requests at once.
    """

    def __init__(self, *, port: int = 0, keys: set[str] | None = None, latency: float = 0) -> None:
        super().__init__()
        self.jobs: dict[str, LoadJob] = {}
        self.keys = keys
        self.latency = latency
        self.meanwhile: Callable[[], object] | None = None
        self.requests: list[tuple[str, str]] = []
        self.most_in_flight = 0
        self.url = ""
        self._port = port
        self._in_flight = 0
        self._moved = timedelta()
        self._created: dict[str, datetime] = {}

    def add(self, job: LoadJob) -> LoadJob:
        """Add a job; it begins now."""
        self.jobs[job.job_id.lower()] = job
        self._created[job.job_id.lower()] = self._now()
        return job

    def advance(self, seconds: float) -> None:
        """Move its clock forward, and with it the jobs."""
        self._moved += timedelta(seconds=seconds)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._moved

    def _document(self, job: LoadJob) -> Job:
        return job.document(self._created[job.job_id.lower()], self._now())

    async def _listen(self) -> list[Server]:
        server = await asyncio.start_server(self._connection, "127.0.0.1", self._port)
        self.url = url_of(server)
        return [server]

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(IncompleteReadError, LimitOverrunError, ConnectionError, asyncio.CancelledError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"(?i)\r\nContent-Length: *(\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                method, target, _ = head.split(" ", 2)
                self.requests.append((method, target))
                self._in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self._in_flight)
                try:
                    if self.latency:
                        await asyncio.sleep(self.latency)
                    if self.meanwhile:
                        self.meanwhile()
                    await self._answer(writer, method, target)
                    await writer.drain()
                finally:
                    self._in_flight -= 1
        writer.close()

    async def _answer(self, writer: StreamWriter, method: str, target: str) -> None:
        url = urlsplit(target)
        query = {name.lower(): values[0] for name, values in parse_qs(url.query).items()}
        output = query.get("output", query.get("o", "json")).lower()
        path = _PATH.fullmatch(url.path)
        job = self.jobs.get(unquote(path[1]).lower()) if path and path[1] else None
        if job:
            job.polls += 1
        if self.keys is not None and query.get("key") not in self.keys:
            denied = envelope(401, None, output, credentials="InvalidCredentials", errors=("Access was denied.",))
            writer.write(http(401, denied))
        elif path and not path[1] and method == "POST":
            job = self.add(_submitted(query))
            location = f"{self.url}/REST/v1/Dataflows/LoadDataSource/{job.job_id}"
            writer.write(http(201, envelope(201, self._document(job), output), Location=location))
        elif not job:
            writer.write(http(404, envelope(404, None, output, errors=("The job was not found.",))))
        elif job.faults:
            name, _, argument = job.faults.pop(0).partition(":")
            await FAULTS[name](writer, argument, output, self._document(job))
        else:
            body = envelope(200, self._document(job), output)
            writer.write(http(200, body, Content_Type=f"application/{output}; charset=utf-8"))


def _submitted(query: dict[str, str]) -> LoadJob:
    return LoadJob(
        query.get("jobid", uuid.uuid4().hex),
        seconds=float(query.get("seconds", 5)),
        end=query.get("end", "completed"),
        faults=[fault for fault in query.get("faults", "").split("|") if fault],
        name=query.get("datasourcename", "FourthCoffeeSample"),
    )


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m local.endpoint",
        description="Stands in for the status endpoint of Bing Maps Spatial Data Services.",
        epilog="Create a job: curl -X POST "
        "'http://127.0.0.1:PORT/REST/v1/Dataflows/LoadDataSource?seconds=5&end=aborted'. "
        f"end is one of {', '.join(ENDS)}; faults=status:500|reset lets the first polls fail (see local/faults.py).",
    )
    parser.add_argument("--port", type=int, default=8085, help="0 for a free one (default: 8085)")
    parser.add_argument("--key", action="append", help="a master key to accept; may be repeated (default: any)")
    parser.add_argument("--latency", type=float, default=0, help="seconds before an answer (default: 0)")
    options = parser.parse_args()
    with StandIn(port=options.port, keys=options.key and set(options.key), latency=options.latency) as stand_in:
        print(f"BING_MAPS_URL={stand_in.url}", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
