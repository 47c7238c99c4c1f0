"""What is alerted, and what to do then. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from deployment import queries
from deployment.windows import LONGEST, AlertWindows, Window, words


@dataclass(frozen=True)
class Measure:
    """What is compared with what, of the rows of a window."""

    aggregation: str
    column: str | None
    operator: str
    threshold: float


ANY_ROW = Measure("Count", None, "GreaterThan", 0)


@dataclass(frozen=True)
class AlertRule:
    """One alert.

    Attributes:
        kind: its short name.
        title: what is the case.
        advice: what to look at, and what to do.
        severity: 1 where nothing works, 2 where something does not.
        query: its rows have TimeGenerated.
        window: what is measured must be so in each of them.
        looks_back: how far the query itself looks; None: no further than the windows.
    """

    kind: str
    title: str
    advice: str
    severity: int
    query: str
    window: Window
    measure: Measure = ANY_ROW
    looks_back: timedelta | None = None


def alert_rules(windows: AlertWindows, job_queue: str, oldest_job_hours: int) -> list[AlertRule]:
    """All alerts but that for no run."""
    return [*_of_messages_and_keys(windows, job_queue, oldest_job_hours), *_of_runs(windows)]


def _of_messages_and_keys(windows: AlertWindows, job_queue: str, oldest_job_hours: int) -> list[AlertRule]:
    return [
        AlertRule(
            "poison",
            "A message was not a job",
            f"Read it in the queue {job_queue}-poison; the log line 'message poisoned' says why it was refused. "
            "Send it again, corrected, then delete it there. If it held a master key, change that key at Bing Maps.",
            2,
            queries.POISONED,
            windows.message,
        ),
        AlertRule(
            "key",
            "A master key is refused or not configured",
            "The log line names the key and its app setting, and says why. Set it: pulumi config set --secret --path "
            "'masterKeys.<name>', then pulumi up. If its reference did not resolve, look at the vault's secret and the "
            "identity's right. Its jobs wait.",
            1,
            queries.KEY_TROUBLE,
            windows.key,
        ),
        AlertRule(
            "old",
            f"A job is in the queue for over {oldest_job_hours} hours",
            "Loads take up to 12 hours. Look at the workbook's trouble by kind: is the endpoint unavailable, a key "
            "refused or throttled, storage failing? The job ends as TimedOut when it is older than jobMaxAgeHours.",
            2,
            queries.OLDEST,
            windows.job,
            Measure("Maximum", "oldest", "GreaterThan", oldest_job_hours * 3600),
        ),
    ]


def _of_runs(windows: AlertWindows) -> list[AlertRule]:
    return [
        AlertRule(
            "failed",
            "Runs fail",
            "The exception says what is wrong: an app setting (mend it by 'pulumi up'), storage that refuses (look at "
            "its health and at the identity's role assignments), or a fault of the app's own (the line 'internal "
            "error'; report it). Nothing is deleted whose row is not safe.",
            1,
            queries.FAILED_RUNS,
            windows.failure,
        ),
        AlertRule(
            "claim",
            "Messages cannot be claimed",
            "The log line 'claim failed' says why: storage that is down (look at its health), a missing right (look "
            "at the identity's role assignments), or a sign-in that fails. Jobs are safe in the queue until their "
            "messages expire.",
            1,
            queries.NO_CLAIM,
            windows.run,
        ),
        AlertRule(
            "endpoint",
            "Bing Maps does not answer",
            "In three runs in a row no job had an answer. The log line 'endpoint unavailable' says the host and why: "
            "a name that is not found, a connection that is refused, a certificate, an answer that is none. Does the "
            "host answer elsewhere? Then look at bingMapsUrl and the network; else wait: jobs are polled again until "
            "they are older than jobMaxAgeHours.",
            1,
            queries.endpoint_down(windows.endpoint.reach),
            windows.endpoint,
            looks_back=LONGEST,  # To the runs before those in the windows.
        ),
    ]


def no_run_rule(windows: AlertWindows, since: str | None) -> AlertRule:
    """The alert for no run, where none can be expected before the moment ``since`` (ISO 8601; None: not known)."""
    return AlertRule(
        "no-run",
        f"No run for {words(windows.run.reach)}",
        "Look at the function app: is it stopped, does it list its timers, what does its log stream say? Jobs are safe "
        "in the queue until their messages expire. Where it lists no timers, publish it again: see the guide.",
        1,
        queries.run_counts(windows.run.reach, since),
        windows.run,
        Measure("Total", "runs", "LessThan", 1),
    )
