"""The table of the app settings: defaults, bounds, meanings and what is expected stand here and nowhere else. Pure.

The app reads its settings through it; README, the deployment, the sample settings and the bench are held to it.
"""

from collections.abc import Mapping
from typing import Any

from .connection_string import connection_string
from .master_keys import KEY_SETTING, LONGEST_KEY_NAME
from .ncrontab import Schedule
from .setting_kinds import (
    AppSetting,
    count_setting,
    endpoint_setting,
    master_key_setting,
    number_setting,
    queue_setting,
    service_uri_setting,
    text_setting,
)
from .urls import PUBLIC_URL

JOB_STORAGE = AppSetting(
    "JobStorage",
    None,
    "connection of the queue and the table, such as `UseDevelopmentStorage=true`. Required, or in its place its "
    "parts, which sign in with an identity",
    "a storage connection string, or JobStorage__accountName, or JobStorage__queueServiceUri and "
    "JobStorage__tableServiceUri",
    connection_string,
)
QUEUE_SERVICE_URI = service_uri_setting("queue")
TABLE_SERVICE_URI = service_uri_setting("table")
ACCOUNT_NAME = text_setting(
    "JobStorage__accountName",
    None,
    "a part: the storage account, from which the two URIs follow",
    "a storage account name of 3 to 24 lower-case letters and digits",
    "[a-z0-9]{3,24}",
)
CREDENTIAL = text_setting(
    "JobStorage__credential",
    None,
    "a part: whether to sign in as the app's managed identity and as nobody else",
    "managedidentity, or not to be set",
    "(?i:managedidentity)",
)
CLIENT_ID = text_setting(
    "JobStorage__clientId",
    None,
    "a part: which of the app's user-assigned identities that is",
    "the client id of a managed identity",
    "[!-~]+",
)
JOB_QUEUE = queue_setting("JOB_QUEUE", "load-jobs", 56, "the queue; its poison queue is `<JOB_QUEUE>-poison`")
DATASOURCE_TABLE = text_setting(
    "DATASOURCE_TABLE",
    "DataSources",
    "the table",
    "a table name: 3 to 63 letters and digits that begin with a letter, other than tables",
    r"(?!(?i:tables)\Z)[A-Za-z][A-Za-z0-9]{2,62}",
)
COMPLETION_QUEUE = queue_setting(
    "COMPLETION_QUEUE",
    None,
    63,
    "where each row that is written goes as an event, too: another queue than the two. Not set: no events",
)
POLL_SCHEDULE = AppSetting(
    "POLL_SCHEDULE",
    None,
    "when to run, in UTC, such as `0 * * * * *`. Required; the Functions host reads it",
    "six NCRONTAB fields: second, minute, hour, day, month and day of week",
    Schedule.parse,
)
POLLERS = count_setting("POLLERS", 1, 20, "timer functions to register; they share the queue")
BING_MAPS_MASTER_KEY = master_key_setting(KEY_SETTING, "the master key named `default`")
KEY_NAME_RULE = f"a NAME of 1 to {LONGEST_KEY_NAME} of A-Z, 0-9 and _, other than DEFAULT"
OTHER_MASTER_KEY = master_key_setting(f"{KEY_SETTING}_<NAME>", f"a further master key, {KEY_NAME_RULE}")
BING_MAPS_URL = endpoint_setting("BING_MAPS_URL", PUBLIC_URL, "where the status endpoint is")
POLL_CONCURRENCY = count_setting("POLL_CONCURRENCY", 16, 256, "status requests in flight at once")
POLL_RUN_SECONDS = number_setting("POLL_RUN_SECONDS", "50", 1, 1500, "a run claims no new message after this long")
POLL_REQUEST_SECONDS = number_setting(
    "POLL_REQUEST_SECONDS", "10", 0.1, 100, "bound on one whole status request, from connecting to the last byte"
)
POLL_DELAY_RATIO = number_setting(
    "POLL_DELAY_RATIO", "0.1", 0, 1, "a pending job is polled again after this share of its age ..."
)
POLL_MIN_DELAY_SECONDS = number_setting("POLL_MIN_DELAY_SECONDS", "30", 1, 3600, "... but no sooner than this ...")
POLL_MAX_DELAY_SECONDS = number_setting(
    "POLL_MAX_DELAY_SECONDS",
    "900",
    1,
    86400,
    "... and no later than this",
    "a number from POLL_MIN_DELAY_SECONDS to 86400 (900 where it is not set)",
)
JOB_MAX_AGE_HOURS = number_setting(
    "JOB_MAX_AGE_HOURS",
    "48",
    0,
    168,
    "a job still pending at this age is recorded as `TimedOut`",
    "a number above 0 and under 168",
    ends=False,
)

STORAGE_PARTS = (QUEUE_SERVICE_URI, TABLE_SERVICE_URI, ACCOUNT_NAME, CREDENTIAL, CLIENT_ID)
"""What stands for `JobStorage` in an identity-based connection, by the convention of Azure Functions."""

APP_SETTINGS: Mapping[str, AppSetting[Any]] = {
    setting.name: setting
    for setting in (
        JOB_STORAGE,
        *STORAGE_PARTS,
        JOB_QUEUE,
        DATASOURCE_TABLE,
        COMPLETION_QUEUE,
        POLL_SCHEDULE,
        POLLERS,
        BING_MAPS_MASTER_KEY,
        OTHER_MASTER_KEY,
        BING_MAPS_URL,
        POLL_CONCURRENCY,
        POLL_RUN_SECONDS,
        POLL_REQUEST_SECONDS,
        POLL_DELAY_RATIO,
        POLL_MIN_DELAY_SECONDS,
        POLL_MAX_DELAY_SECONDS,
        JOB_MAX_AGE_HOURS,
    )
}
