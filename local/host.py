"""A local Functions host for the timers of function_app.py.

Indexing, decoding the trigger and invoking are done by Microsoft's own Python worker runtime, as in the cloud. The
host's half of the conversation, which there is in .NET and speaks protobuf, is here: plain objects in the
messages' shapes, and the schedules.
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
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from azure_functions_runtime import handle_event
from croniter import CroniterError, croniter

APP = Path(__file__).parents[1]


class InvocationFailed(Exception):
    """An invocation raised; the text is the worker's, with the traceback."""


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


def schedule_of(timer: Timer, settings: dict[str, str]) -> str:
    """The timer's NCRONTAB expression, `%SETTING%` resolved.

    Raises:
        ValueError: it is missing or no six-field expression; says what to do.
    """
    expression = re.sub("%(.+?)%", lambda match: settings.get(match[1], ""), timer.schedule)
    if len(expression.split()) != 6 or not croniter.is_valid(expression, second_at_beginning=True):
        raise ValueError(f"{timer.schedule} of {timer.name}: expected six NCRONTAB fields, such as '*/15 * * * * *'")
    return expression


async def _fire(host: FunctionsHost, timer: Timer, expression: str, stopping: asyncio.Event) -> None:
    """Fire one timer on its schedule, a run at a time; a tick that a run sat out fires once, past due."""
    times = croniter(expression, datetime.now(UTC), second_at_beginning=True)
    due = times.get_next(datetime)
    while not stopping.is_set():
        try:
            await asyncio.wait_for(stopping.wait(), (due - datetime.now(UTC)).total_seconds())
        except TimeoutError:
            late = (datetime.now(UTC) - due).total_seconds() > 1
            try:
                await host.invoke(timer, past_due=late)
            except InvocationFailed as error:
                logging.error("%s failed: %s", timer.name, error)  # noqa: TRY400 - the text has the traceback
            now = datetime.now(UTC)
            due = missed if (missed := times.get_next(datetime)) > now else now
            while times.get_current(datetime) < now:
                times.get_next(datetime)


async def serve() -> None:
    """Load the app and fire its timers until Ctrl-C or SIGTERM; a run in progress is finished first."""
    host = FunctionsHost()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
    loop = asyncio.get_running_loop()
    timers = await host.load()
    schedules = [schedule_of(timer, dict(os.environ)) for timer in timers]
    for timer, expression in zip(timers, schedules, strict=True):
        logging.info("%s: %s", timer.name, expression)
    await asyncio.gather(*(_fire(host, *pair, stopping) for pair in zip(timers, schedules, strict=True)))


def main() -> None:
    """Read the settings, log to standard error, serve."""
    parser = argparse.ArgumentParser(
        prog="python -m local.host",
        description="Runs function_app.py as the Functions host would, timers on their schedules, until Ctrl-C.",
    )
    default = APP / "local.settings.json"
    parser.add_argument(
        "--settings", type=Path, default=default, help=f"app settings under Values (default: {default.name})"
    )
    path = parser.parse_args().settings
    if path.is_file():
        for name, value in json.loads(path.read_text("utf-8"))["Values"].items():
            os.environ.setdefault(name, value)  # As Core Tools do: the environment wins.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("azure.functions").setLevel(logging.WARNING)
    try:
        asyncio.run(serve())
    except (InvocationFailed, ValueError, CroniterError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
