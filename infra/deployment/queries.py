"""Kusto over the app's log lines: `<event> <JSON>` in AppTraces (see dataflow_poller/log.py). Pure.

The fields that the queries read are checked against the lines of the app, and their syntax by Kusto's own parser.
A query of an alert that looks at several windows must keep TimeGenerated: Azure tells the windows by it.
"""

from datetime import timedelta


def lines(event: str, name: str = "line") -> str:
    """The lines of an event, with their JSON as a column."""
    json = f"parse_json(substring(Message, {len(event) + 1}))"
    return f'AppTraces | where Message startswith "{event} {{" | extend {name} = {json}'


RUNS = lines("poll finished", "run")
ROWS = lines("row written", "row")
POISONED = lines("message poisoned")
KEY_TROUBLE = (
    'AppTraces | where Message startswith "master key refused {" or Message startswith "master key not configured {"'
    ' | extend line = parse_json(substring(Message, indexof(Message, "{")))'
    " | project TimeGenerated, key = tostring(line.masterKeyName), setting = tostring(line.setting),"
    " reason = tostring(line.reason)"
)
_INVOKED = 'AppRequests | where OperationName startswith "poll"'
"""The host writes one for each run, also for one that fails before it writes a line."""

OLDEST = f"{RUNS} | project TimeGenerated, oldest = todouble(run.oldest_age_seconds)"

_FAILED = f"{_INVOKED} and Success == false"
_CLAIM_FAILED = 'AppTraces | where Message startswith "claim failed {"'
FAILED_RUNS = f"{_FAILED} | join kind=leftanti ({_CLAIM_FAILED}) on OperationId"
NO_CLAIM = f"{_FAILED} | join kind=leftsemi ({_CLAIM_FAILED}) on OperationId"
"""The app fails a run in which no claim succeeded. Each failed run is in one of these two."""


def endpoint_down(reach: timedelta) -> str:
    """A row for each third run in a row in which the endpoint was unavailable and no job had an answer.

    Args:
        reach: how far back these runs may be; the two before each of them may be older.
    """
    return (
        'let unavailable = AppTraces | where Message startswith "endpoint unavailable {" | distinct OperationId; '
        f"{RUNS} | project TimeGenerated, down = OperationId in (unavailable),"
        " answered = tolong(run.completed) + tolong(run.aborted) + tolong(run.pending)"
        # A run that asked nothing says nothing of the endpoint.
        " | where down or answered > 0 | order by TimeGenerated asc"
        " | extend third = answered == 0 and prev(answered, 1) == 0 and prev(answered, 2) == 0"
        f" | where third and TimeGenerated > {_ago(reach)}"
    )


def run_counts(reach: timedelta, since: str | None) -> str:
    """A row with `runs` 1 for each run, and rows with 0, so that a time without runs is a zero and not nothing.

    Args:
        reach: how far back the alert looks.
        since: the moment (ISO 8601) before which no run can be expected; it counts as a run. None: not known.
    """
    begin = _ago(reach)
    first = f", (print TimeGenerated = datetime({since}), runs = 1 | where TimeGenerated > {begin})" if since else ""
    zeros = f"(range TimeGenerated from {begin} to now() step 5m | extend runs = 0)"
    return f"{_INVOKED} | project TimeGenerated, runs = 1 | union {zeros}{first}"


def _ago(span: timedelta) -> str:
    return f"ago({span // timedelta(minutes=1)}m)"


_OUTCOMES = f"{ROWS} | summarize jobs = count() by status = tostring(row.status), bin(TimeGenerated, 1h)"
_WAITING = (
    f"{RUNS} | summarize pending = sum(tolong(run.pending)), unavailable = sum(tolong(run.unavailable)),"
    " failed = sum(tolong(run.failed)) by bin(TimeGenerated, 15m)"
)
_AGES = f"{OLDEST} | summarize hours = max(oldest) / 3600 by bin(TimeGenerated, 5m)"
_DURATION = (
    f"{RUNS} | summarize median = percentile(todouble(run.seconds), 50), longest = max(todouble(run.seconds))"
    " by bin(TimeGenerated, 15m)"
)
_TROUBLE = (
    "AppTraces | where SeverityLevel >= 2 and Message matches regex '^[a-z ]+ [{]'"
    " | extend event = tostring(split(Message, ' {')[0]), line = parse_json(substring(Message, indexof(Message, '{')))"
    " | extend reason = coalesce(tostring(line.reason), tostring(line.status), tostring(line.setting),"
    " tostring(line.name))"
    " | summarize times = count(), latest = max(TimeGenerated) by event, reason | order by times desc"
)
_LAST = (
    f"{ROWS} | top 50 by TimeGenerated | project TimeGenerated, job = tostring(row.jobId),"
    " key = tostring(row.masterKeyName), status = tostring(row.status), url = tostring(row.dataSourceUrl),"
    " error = tostring(row.errorMessage), polls = tolong(row.polls), hours = todouble(row.ageSeconds) / 3600"
)

WORKBOOK = {
    "Jobs ended, by outcome": ("barchart", _OUTCOMES),
    "Pending jobs polled, and kept for other reasons": ("timechart", _WAITING),
    "Age of the oldest job in hours": ("timechart", _AGES),
    "Duration of runs in seconds": ("timechart", _DURATION),
    "Why runs ended": ("piechart", f"{RUNS} | summarize runs = count() by stopped = tostring(run.stopped)"),
    "Polls per job": ("barchart", f"{ROWS} | summarize jobs = count() by polls = tolong(row.polls)"),
    "Trouble by kind": ("table", _TROUBLE),
    "The last 50 outcomes": ("table", _LAST),
}
"""Title -> how it is drawn, and the query."""

ALERTS = {
    "poison": POISONED,
    "no-run": run_counts(timedelta(minutes=30), "2026-01-01T00:00:00Z"),
    "key": KEY_TROUBLE,
    "old": OLDEST,
    "failed": FAILED_RUNS,
    "claim": NO_CLAIM,
    "endpoint": endpoint_down(timedelta(hours=1)),
}
"""Kind of alert -> its query; where it looks back, by an example."""


def every_query() -> dict[str, str]:
    """Name -> query, all that there are: those of the alerts by kind, those of the workbook by title."""
    return ALERTS | {title: query for title, (_, query) in WORKBOOK.items()}
