"""Kusto over the app's log lines: `<event> <JSON>` in AppTraces (see dataflow_poller/log.py). Pure.

The fields that the queries read are checked against lines that the app really writes (tests/infra).
"""


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
    " | project TimeGenerated, key = tostring(line.masterKeyName), reason = tostring(line.reason)"
)
OLDEST = f"{RUNS} | summarize oldest = max(todouble(run.oldest_age_seconds)) by bin(TimeGenerated, 5m)"
FAILED_RUNS = 'AppRequests | where OperationName startswith "poll" and Success == false'

_OUTCOMES = f"{ROWS} | summarize jobs = count() by status = tostring(row.status), bin(TimeGenerated, 1h)"
_WAITING = (
    f"{RUNS} | summarize pending = sum(tolong(run.pending)), unavailable = sum(tolong(run.unavailable)),"
    " failed = sum(tolong(run.failed)) by bin(TimeGenerated, 15m)"
)
_DURATION = (
    f"{RUNS} | summarize median = percentile(todouble(run.seconds), 50), longest = max(todouble(run.seconds))"
    " by bin(TimeGenerated, 15m)"
)
_ERRORS = (
    f"union ({lines('endpoint unavailable')}), ({lines('message kept')}), ({POISONED})"
    " | summarize times = count(), last = max(TimeGenerated) by event = tostring(split(Message, ' {')[0]),"
    f" reason = tostring(line.reason) | union ({KEY_TROUBLE}"
    " | summarize times = count(), last = max(TimeGenerated) by event = 'master key', reason) | order by times desc"
)
_LAST = (
    f"{ROWS} | top 50 by TimeGenerated | project TimeGenerated, job = tostring(row.jobId),"
    " key = tostring(row.masterKeyName), status = tostring(row.status), url = tostring(row.dataSourceUrl),"
    " error = tostring(row.errorMessage), polls = tolong(row.polls), hours = todouble(row.ageSeconds) / 3600"
)

WORKBOOK = {
    "Jobs ended, by outcome": ("barchart", _OUTCOMES),
    "Pending jobs polled, and kept for other reasons": ("timechart", _WAITING),
    "Age of the oldest job in hours": ("timechart", f"{OLDEST} | project TimeGenerated, hours = oldest / 3600"),
    "Duration of runs in seconds": ("timechart", _DURATION),
    "Why runs ended": ("piechart", f"{RUNS} | summarize runs = count() by stopped = tostring(run.stopped)"),
    "Polls per job": ("barchart", f"{ROWS} | summarize jobs = count() by polls = tolong(row.polls)"),
    "Errors by kind": ("table", _ERRORS),
    "The last 50 outcomes": ("table", _LAST),
}
"""Title -> how it is drawn, and the query."""
