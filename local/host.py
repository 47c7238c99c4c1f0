"""A local Functions host for the timers of function_app.py.

Indexing, decoding the trigger and invoking are done by Microsoft's own Python worker runtime, as in the cloud. The
host's half of the conversation, which there is in .NET and speaks protobuf, is here: plain objects in the
messages' shapes, and the schedules. What it needs of the app's package it imports late: an app in another folder
brings its own.
"""

import argparse
import asyncio
import json
import logging
import os
import re
import signal
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from azure_functions_runtime import handle_event

if TYPE_CHECKING:
    from dataflow_poller.ncrontab import Schedule

APP = Path(__file__).parents[1]


class InvocationFailed(Exception):
    """An invocation raised; the text is the worker's, with the traceback."""


class WrongSchedule(Exception):
    """A timer's schedule is none that Azure would run."""


class _StatusResult(SimpleNamespace):
    Failure, Success = 0, 1


class _BindingInfo(SimpleNamespace):
    out, inout = 1, 2


class _Json(SimpleNamespace):
    """A value of the worker protocol that holds JSON."""

    def WhichOneof(self, _: str) -> str:  # noqa: N802 - protobuf's name
        return "json"


class _Data(SimpleNamespace):
    """A parameter binding that holds its data itself."""

    def WhichOneof(self, _: str) -> str:  # noqa: N802 - protobuf's name
        return "data"


_PROTOS = SimpleNamespace(
    BindingInfo=_BindingInfo,
    FunctionMetadataResponse=SimpleNamespace,
    InvocationResponse=SimpleNamespace,
    RpcException=SimpleNamespace,
    RpcFunctionMetadata=SimpleNamespace,
    StatusResult=_StatusResult,
    WorkerInitResponse=SimpleNamespace,
    WorkerMetadata=SimpleNamespace,
)


@dataclass(frozen=True)
class Timer:
    """A timer function as the worker indexed it; `schedule` may be `%SETTING%`."""

    name: str
    function_id: str
    parameter: str
    schedule: str
    run_on_startup: bool


class FunctionsHost:
    """One function app in this process. The worker's state is the process's: one app, loaded once."""

    async def load(self, folder: Path = APP) -> list[Timer]:
        """Index the app.

        Raises:
            InvocationFailed: the worker refuses it; its text says why.
        """
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        init = SimpleNamespace(capabilities={}, function_app_directory=str(folder))
        response = await handle_event.worker_init_request(_request(worker_init_request=init))
        _raise_for(response.result)
        response = await handle_event.functions_metadata_request(_request())
        _raise_for(response.result)
        return [_timer(function) for function in response.function_metadata_results or []]

    async def invoke(self, timer: Timer, *, past_due: bool = False) -> None:
        """Fire a timer and wait for it.

        Raises:
            InvocationFailed: the function raised.
        """
        trigger = json.dumps({"IsPastDue": past_due, "ScheduleStatus": {}, "Schedule": {"AdjustForDST": True}})
        invocation = SimpleNamespace(
            invocation_id=str(uuid.uuid4()),
            function_id=timer.function_id,
            trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
            input_data=[_Data(name=timer.parameter, data=_Json(json=trigger))],
            trigger_metadata={},
        )
        response = await handle_event.invocation_request(_request(invocation_request=invocation))
        _raise_for(response.result)


def _request(**request: Any) -> SimpleNamespace:
    return SimpleNamespace(request=SimpleNamespace(**request), properties={"host": "127.0.0.1", "protos": _PROTOS})


def _raise_for(result: Any) -> None:
    if result.status != _StatusResult.Success:
        raise InvocationFailed(f"{result.exception.message}\n{result.exception.stack_trace}")


def _timer(function: Any) -> Timer:
    [binding] = [json.loads(raw) for raw in function.raw_bindings]
    return Timer(function.name, function.function_id, binding["name"], binding["schedule"], binding["runOnStartup"])


def schedule_of(timer: Timer, settings: Mapping[str, str]) -> "Schedule":
    """The timer's schedule, `%SETTING%` resolved; nothing stands for a setting that is missing.

    Raises:
        WrongSchedule: Azure would not read it, or it never fires; says what was expected.
    """
    from dataflow_poller.ncrontab import Schedule  # noqa: PLC0415 - late, see above

    expression = re.sub("%(.+?)%", lambda match: settings.get(match[1], ""), timer.schedule)
    try:
        schedule = Schedule.parse(expression)
    except ValueError as error:
        raise WrongSchedule(f"{timer.schedule} of {timer.name}: {error}") from None
    logging.info("%s: %s", timer.name, expression)
    return schedule


async def _fire(host: FunctionsHost, timer: Timer, schedule: "Schedule", stopping: asyncio.Event) -> None:
    """Fire one timer on its schedule, a run at a time; ticks that a run sat out fire once, past due."""
    due = schedule.next_after(datetime.now(UTC))
    while not stopping.is_set():
        try:
            await asyncio.wait_for(stopping.wait(), (due - datetime.now(UTC)).total_seconds())
        except TimeoutError:
            late = (datetime.now(UTC) - due).total_seconds() > 1
            try:
                await host.invoke(timer, past_due=late)
            except InvocationFailed as error:
                logging.error("%s failed: %s", timer.name, error)  # noqa: TRY400 - the text has the traceback
            due, now = schedule.next_after(due), datetime.now(UTC)
            while (later := schedule.next_after(due)) <= now:
                due = later


async def serve() -> None:
    """Load the app and fire its timers until Ctrl-C or SIGTERM; a run in progress is finished first."""
    host = FunctionsHost()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
    loop = asyncio.get_running_loop()
    timers = await host.load()
    schedules = [schedule_of(timer, os.environ) for timer in timers]
    await asyncio.gather(*(_fire(host, *pair, stopping) for pair in zip(timers, schedules, strict=True)))


def main() -> None:
    """Read the settings, log to standard error, serve."""
    from dataflow_poller.errors import SettingsFileError  # noqa: PLC0415 - late, see above
    from dataflow_poller.local_settings import local_settings, under_environment  # noqa: PLC0415 - likewise

    parser = argparse.ArgumentParser(
        prog="python -m local.host",
        description="Runs function_app.py as the Functions host would, timers on their schedules, until Ctrl-C.",
    )
    default = APP / "local.settings.json"
    parser.add_argument(
        "--settings",
        type=Path,
        help=f"app settings under Values (default: {default.name}, if there is one); the environment goes before them",
    )
    path = parser.parse_args().settings or (default if default.exists() else None)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("azure.functions").setLevel(logging.WARNING)
    try:
        if path:
            os.environ |= under_environment(local_settings(path), os.environ)
        asyncio.run(serve())
    except (InvocationFailed, SettingsFileError, WrongSchedule) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
