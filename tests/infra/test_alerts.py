"""Alerts that are true: how far they look back, how often they are looked at, and whom they tell."""

import json
import re
import sys
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.ncrontab import Schedule

from .conftest import ACTION_GROUP, ROOT, Recording, recorded, run_program

sys.path.append(str(ROOT / "infra"))
from deployment.alert_rules import alert_rules, no_run_rule
from deployment.windows import INGESTION, LONGEST, SIZES, AlertWindows, Window, iso, words

program = pytest.mark.xdist_group("program")  # Its recordings are made once a process.
KINDS = {"poison", "no-run", "key", "old", "failed", "claim", "endpoint"}
ONCE = {"poison", "key"}
"""What happens once alerts at the first; all else must last."""

RUN = timedelta(seconds=90)
"""The longest run, by the defaults."""

DELAY = timedelta(minutes=16.5)
"""The longest delay, by the defaults."""

QUARTER = timedelta(minutes=15)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def windows(schedule: str, delay: timedelta = DELAY, every: timedelta = QUARTER) -> AlertWindows:
    return AlertWindows.of(Schedule.parse(schedule).longest_gap(), RUN, delay, every)


@program
def test_each_alert_says_what_to_do_and_tells_somebody(recording: Recording) -> None:
    """One for every way of standing still, to the action groups."""
    alerts = recording.of("ScheduledQueryRule")
    assert {alert["name"] for alert in alerts} == {f"alert-{kind}" for kind in KINDS}
    told = [group["id"] for group in recording.of("ActionGroup")]
    if recording is recorded("everything"):
        told = [ACTION_GROUP, *told]
    for alert in alerts:
        assert len(alert["inputs"]["description"]) > 80
        assert alert["inputs"]["actions"]["actionGroups"] == told
        assert alert["inputs"]["evaluationFrequency"] == "PT15M"


@program
def test_what_lasts_must_hold_twice_and_what_happens_once_alerts_at_the_first(plain: Recording) -> None:
    """No mail for a hiccup, and none is missed."""
    for alert in plain.of("ScheduledQueryRule"):
        [condition] = alert["inputs"]["criteria"]["allOf"]
        times = 1 if alert["name"].removeprefix("alert-") in ONCE else 2
        periods = {"numberOfEvaluationPeriods": times, "minFailingPeriodsToAlert": times}
        assert condition["failingPeriods"] == periods, alert["name"]


@program
def test_no_run_counts_from_when_the_code_was_published(plain: Recording) -> None:
    """Else the first day began with a mail about the time before."""
    no_run = plain.one("ScheduledQueryRule", "alert-no-run")
    [condition] = no_run["criteria"]["allOf"]
    assert "datetime(2026-01-02T03:04:05Z)" in condition["query"]
    assert (condition["timeAggregation"], condition["operator"], condition["threshold"]) == ("Total", "LessThan", 1)
    assert (no_run["windowSize"], no_run["displayName"]) == ("PT15M", "dataflow-poller: No run for 30 minutes")


@program
def test_nobody_is_told_where_nobody_is_named() -> None:
    """It is allowed, with a warning: alerts are seen in the portal."""
    run = run_program({"alertEmail": ""})
    recording = Recording(**json.loads(run.stdout))
    assert not recording.of("ActionGroup")
    assert recording.one("ScheduledQueryRule", "alert-failed")["actions"]["actionGroups"] == []
    assert "Nobody is told of alerts" in run.stderr


@pytest.mark.parametrize(("schedule", "run", "endpoint"), [
    ("0 * * * * *", (minutes(15), 2), (minutes(30), 2)),
    ("*/10 * * * * *", (minutes(15), 2), (minutes(30), 2)),
    ("0 */10 * * * *", (minutes(30), 2), (minutes(45), 2)),
    ("0 0 * * * *", (hours(2), 2), (hours(2), 2)),
    ("0 0 */6 * * *", (hours(24), 2), (hours(48), 1)),
    ("0 0 */12 * * *", (hours(24), 2), (hours(48), 1)),
])  # fmt: skip
def test_windows_follow_the_schedule(
    schedule: str, run: tuple[timedelta, int], endpoint: tuple[timedelta, int]
) -> None:
    """An hourly schedule does not alert for ever."""
    found = windows(schedule)
    assert (found.run, found.endpoint) == (Window(*run), Window(*endpoint))


@pytest.mark.parametrize(("delay", "failure", "job", "key"), [
    (minutes(1), (minutes(15), 2), (hours(2), 2), (minutes(30), 1)),
    (minutes(16.5), (minutes(30), 2), (hours(2), 2), (minutes(30), 1)),
    (hours(4), (hours(5), 2), (hours(5), 2), (hours(5), 1)),
    (hours(26.4), (hours(48), 1), (hours(48), 1), (hours(48), 1)),
])  # fmt: skip
def test_windows_follow_the_delays(
    delay: timedelta, failure: tuple[timedelta, int], job: tuple[timedelta, int], key: tuple[timedelta, int]
) -> None:
    """What is known of a job when it is polled is known all the time: the alert does not flap."""
    found = windows("0 * * * * *", delay)
    assert (found.failure, found.job, found.key) == (Window(*failure), Window(*job), Window(*key))


@pytest.mark.parametrize("schedule", ["0 0 9 * * *", "0 0 9 * * 1", "0 0 0 1 * *", "0 0 8,9,10 * * *"])
def test_a_schedule_that_is_too_rare_is_refused(schedule: str) -> None:
    """Alerts could not tell whether the app stands still."""
    with pytest.raises(ValueError, match="lie between two runs; alerts look back two days at most"):
        windows(schedule)


spans = st.timedeltas(min_value=timedelta(seconds=1), max_value=hours(15))


@given(gap=spans, run=st.timedeltas(minutes(0.5), minutes(27)), delay=st.timedeltas(minutes(1), hours(27)),
       every=st.sampled_from([minutes(n) for n in (5, 10, 15, 30, 45, 60)]))  # fmt: skip
def test_any_windows_are_azures_and_see_enough(
    gap: timedelta, run: timedelta, delay: timedelta, every: timedelta
) -> None:
    """Sizes that Azure has, two days at most, no time between two looks unseen, and a sign of life in each."""
    try:
        found = AlertWindows.of(gap, run, delay, every)
    except ValueError:
        assert 3 * (gap + run) + INGESTION > LONGEST
        return
    for window in (found.run, found.failure, found.endpoint, found.job, found.key, found.message):
        assert window.size in SIZES
        assert every <= window.reach <= LONGEST
    assert found.run.size >= gap + run + INGESTION or found.run == Window(LONGEST, 1)
    assert found.failure.size >= delay + gap + run or found.failure.size == LONGEST
    assert found.job.size >= delay + gap + run or found.job.size == LONGEST
    assert found.message.size >= 2 * every
    assert found.key.size >= min(LONGEST, max(delay + gap + run, 2 * every))


@given(st.sampled_from(SIZES))
def test_a_size_is_written_as_azure_writes_it(size: timedelta) -> None:
    """PT15M, PT2H, P1D."""
    text = iso(size)
    units = re.fullmatch(r"P(?:(?P<days>\d)D)?(?:T(?:(?P<hours>\d)H)?(?:(?P<minutes>\d+)M)?)?", text)
    assert units
    assert timedelta(**{unit: int(number or 0) for unit, number in units.groupdict().items()}) == size
    assert text not in ("PT60M", "PT24H")


def test_a_span_is_written_for_a_person() -> None:
    """In a mail's subject."""
    assert [words(span) for span in (minutes(30), hours(1.5), hours(2), hours(48))] == [
        "30 minutes", "90 minutes", "2 hours", "48 hours",
    ]  # fmt: skip


def test_all_rules_are_there_and_worded() -> None:
    """Each kind once; a title that is a sentence's beginning, an advice that is whole sentences."""
    every_minute = windows("0 * * * * *")
    rules = [*alert_rules(every_minute, "load-jobs", 24), no_run_rule(every_minute, None)]
    assert sorted(rule.kind for rule in rules) == sorted(KINDS)
    for rule in rules:
        assert rule.severity in (1, 2)
        assert rule.advice.endswith(".")
        assert not rule.title.endswith(".")
