"""Azurite, Microsoft's emulator of Azure Storage, as npm installed it in this folder."""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

_SCRIPT = Path(__file__).parents[1] / "node_modules/azurite/dist/src/azurite.js"
_CLOCK = Path(__file__).with_name("azurite_clock.cjs")
_ACCOUNT = "devstoreaccount1"
# Azurite's account key, which is the same everywhere: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at (http://\S+)")


class Clock:
    """Azurite's clock: this machine's, and what tests have moved it forward by. May be used from any thread.

    Unlike Azure, Azurite does not compare the date of a signed request with its own: callers keep this machine's time.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._moved = timedelta()
        self._one_at_a_time = threading.Lock()

    def now(self) -> datetime:
        """The time in Azurite, UTC."""
        return datetime.now(UTC) + self._moved

    def advance(self, seconds: float) -> None:
        """Move it forward; every request from now on meets the new time.

        Raises:
            RuntimeError: Azurite has ended.
        """
        assert self._process.stdin is not None, "it was started with pipes"
        assert self._process.stdout is not None, "it was started with pipes"
        with self._one_at_a_time:
            self._process.stdin.write(f"{seconds}\n")
            self._process.stdin.flush()
            while not (line := self._process.stdout.readline()).startswith("clock: "):
                if not line:
                    raise RuntimeError("Azurite has ended")
            self._moved = timedelta(seconds=float(line.removeprefix("clock: ")))


@contextmanager
def azurite(folder: Path, *, blob: int = 0, queue: int = 0, table: int = 0) -> Iterator[str]:
    """Run Azurite with its data in ``folder`` until the block ends; gives the connection string.

    Ports of 0 are free ones. It runs on disk, for in memory its queue stalls, and without the check that refuses
    the API versions of newer SDKs.

    Raises:
        RuntimeError: it did not start; says why.
    """
    ports = ["--blobPort", str(blob), "--queuePort", str(queue), "--tablePort", str(table)]
    with _started([], folder, ports) as process:
        yield connection_string(_uris(process))


@contextmanager
def azurite_with_clock(folder: Path) -> Iterator[tuple[str, Clock]]:
    """Run Azurite on free ports, as `azurite` does; gives the connection string and its clock, which can be moved."""
    ports = ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"]
    with _started(["--require", str(_CLOCK)], folder, ports) as process:
        yield connection_string(_uris(process)), Clock(process)


@contextmanager
def _started(node_options: list[str], folder: Path, ports: list[str]) -> Iterator[subprocess.Popen[str]]:
    node = shutil.which("node")
    if node is None or not _SCRIPT.exists():
        raise RuntimeError("Azurite is not installed: install Node.js 20 or later, then run `npm ci` in this folder")
    options = ["--location", str(folder), "--skipApiVersionCheck", "--disableTelemetry", "--silent", *ports]
    process = subprocess.Popen(
        [node, *node_options, str(_SCRIPT), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def connection_string(uris: dict[str, str]) -> str:
    """The connection string of Azurite's account at these service URIs (`Blob`, `Queue`, `Table`)."""
    endpoints = "".join(f"{service}Endpoint={uri}/{_ACCOUNT};" for service, uri in uris.items())
    return f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};{endpoints}"


def _uris(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None, "it was started with a pipe"
    uris: dict[str, str] = {}
    said = []
    for line in process.stdout:
        said.append(line)
        if match := _LISTENING.match(line):
            uris[match[1]] = match[2]
        if len(uris) == 3:
            return uris
    raise RuntimeError("Azurite did not start: " + "".join(said))


def main() -> None:
    """Run Azurite on its usual ports, for `UseDevelopmentStorage=true`, and a command beside it."""
    parser = argparse.ArgumentParser(
        prog="python -m local.azurite",
        description="Runs Azurite on its usual ports (10000 to 10002) for as long as a command runs.",
        epilog="Example: python -m local.azurite func start",
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command; without one, until Ctrl-C")
    command = parser.parse_args().command
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(__file__).parents[1] / ".local/azurite"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with azurite(folder, blob=10000, queue=10001, table=10002):
            print("Azurite listens on ports 10000 to 10002; its data is in", folder, flush=True)
            if command:
                sys.exit(subprocess.call(command))
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
