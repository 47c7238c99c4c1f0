"""One invocation: app settings in, one summary line out."""

import os
import time

import requests

from .bing_maps import Endpoint
from .drain import Drain
from .log import RunLog, quiet_libraries
from .queues import JobQueues
from .settings import Settings
from .settle import THREADS, Settler
from .storage import transport
from .table import DataSourceTable


def run() -> None:
    """Poll every job that is due, once, with the app settings of the environment.

    Raises:
        SettingsError: an app setting is wrong or missing.
        StorageError: storage ended the run, or a queue or the table is missing and could not be made.
    """
    quiet_libraries()
    started = time.monotonic()
    settings = Settings.from_env(os.environ)  # No local variable: a traceback may be shown with those.
    log = RunLog(settings.master_keys.mask)
    for name, key in settings.master_keys.unusable.items():
        log.error("master key not configured", masterKeyName=name, setting=key.setting, reason=key.reason)
    for setting in settings.unknown:
        log.warning("unknown app setting", setting=setting)
    with (
        Endpoint(settings.bing_maps_url, settings.request_seconds, settings.concurrency) as endpoint,
        requests.Session() as session,
    ):
        connections = transport(session, THREADS)
        queues = JobQueues(settings.account, settings.job_queue, connections)
        settler = Settler(queues, DataSourceTable(settings.account, settings.table, connections), log)
        drain = Drain(settings, queues, settler, endpoint, log)
        drain.run()
    log.info(
        "poll finished",
        received=drain.received,
        **settler.counts,
        oldest_age_seconds=round(drain.oldest_age),
        seconds=round(time.monotonic() - started, 3),
        stopped=drain.stopped,
    )
    if settler.error:
        raise settler.error
