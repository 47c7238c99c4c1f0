"""One invocation: app settings in, one summary line out."""

import asyncio
import os
import time

from . import __version__
from .bing_maps import Endpoint
from .errors import StorageError
from .log import RunLog, quiet_libraries
from .outcome import Outcome
from .poll import GRACE, PollRun
from .queues import JobQueues
from .settings import Settings
from .storage import Storage
from .table import DataSourceTable


def run() -> None:
    """Poll every job that is due, once, with the app settings of the environment.

    Raises:
        SettingsError: an app setting is wrong or missing.
        StorageError: storage did not do what must be done: see README, "When a run fails".
        PollerError: a fault of the app's own.
    """
    quiet_libraries()
    settings = Settings.from_env(os.environ)  # No local variable: a traceback may be shown with those.
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    started = time.monotonic()
    ends = started + settings.run_seconds
    log = RunLog(settings.master_keys.mask)
    for name in settings.unknown:
        log.warning("unknown app setting", setting=name)
    endpoint = Endpoint(
        settings.bing_maps_url, settings.request_seconds, settings.concurrency, settings.master_keys.mask
    )
    storage = Storage(settings.account, log, ends + settings.request_seconds + GRACE)
    try:
        queues = JobQueues(storage, settings.job_queue, settings.completion_queue)
        polls = PollRun(settings, storage, queues, DataSourceTable(storage, settings.table), endpoint, log, ends)
        await polls.poll_all()
        try:
            depth = {"queued": await queues.depth()}
        except StorageError:
            depth = {}  # The line says what is known.
    finally:
        endpoint.close()
        storage.close()
    log.info(
        "poll finished",
        received=polls.received,
        **{outcome.count: polls.counts[outcome] for outcome in Outcome},
        **depth,
        oldest_age_seconds=round(polls.oldest_age),
        seconds=round(time.monotonic() - started, 3),
        stopped=polls.stopped,
        version=__version__,
    )
    if failure := polls.verdict.failure():
        raise failure
