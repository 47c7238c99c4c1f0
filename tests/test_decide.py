"""Decisions: each row of the contract's table of ends, and the delay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.answer import Answer, JobRefused, KeyRefused, KeyResting, Throttled, Unavailable
from dataflow_poller.decide import EXPIRY_MARGIN, NO_LINK, NO_URL, Defer, Record, decide
from dataflow_poller.outcome import Outcome
from dataflow_poller.policy import PollingPolicy, Wait
from dataflow_poller.status import JobStatus

POLICY = PollingPolicy(delay_ratio=0.1, min_delay=30, max_delay=900, max_age=48 * 3600)
WEEK = 7 * 86400
PENDING = JobStatus("Pending")
DONE = JobStatus("Completed", data_source_url="https://x/y")
YOUNG = Wait(27, 33)


@pytest.mark.parametrize(
    ("answer", "rejections", "decision"),
    [
        (Throttled("t", 0), 2, Defer(YOUNG, Outcome.UNAVAILABLE, rejections=0)),
        (Throttled("t", 20), 0, Defer(YOUNG, Outcome.UNAVAILABLE, rejections=0)),
        (Throttled("t", 30.2), 0, Defer(Wait(31, 33), Outcome.UNAVAILABLE, rejections=0)),
        (Throttled("t", 600), 0, Defer(Wait(600, 600), Outcome.UNAVAILABLE, rejections=0)),
        (KeyRefused("k"), 2, Defer(YOUNG, Outcome.UNAVAILABLE, rejections=0)),
        (KeyResting("r", 0), 2, Defer(YOUNG, Outcome.UNAVAILABLE, rejections=2)),
        (KeyResting("r", 600), 1, Defer(Wait(600, 600), Outcome.UNAVAILABLE, rejections=1)),
        (JobRefused("HTTP 404"), 0, Defer(YOUNG, Outcome.UNAVAILABLE, rejections=1)),
        (JobRefused("HTTP 404"), 1, Defer(YOUNG, Outcome.UNAVAILABLE, rejections=2)),
        (JobRefused("HTTP 404"), 2, Record(Outcome.REJECTED, None, "HTTP 404")),
        (JobRefused("HTTP 404"), 9, Record(Outcome.REJECTED, None, "HTTP 404")),
        (PENDING, 2, Defer(YOUNG, Outcome.PENDING, rejections=0)),
        (JobStatus("Odd"), 0, Defer(YOUNG, Outcome.PENDING, rejections=0)),
        (JobStatus(""), 0, Defer(YOUNG, Outcome.PENDING, rejections=0)),
        (DONE, 2, Record(Outcome.COMPLETED, DONE, "")),
        (JobStatus("Completed"), 0, Record(Outcome.COMPLETED, JobStatus("Completed"), NO_LINK)),
        (
            JobStatus("Aborted", error_message="e"),
            0,
            Record(Outcome.ABORTED, JobStatus("Aborted", error_message="e"), "e"),
        ),
        (Unavailable("HTTP 500"), 2, Defer(YOUNG, Outcome.UNAVAILABLE, rejections=0)),
    ],
)
def test_each_answer_about_a_young_job(answer: Answer, rejections: int, decision: Record | Defer) -> None:
    """One decision an answer, as the contract's table has it."""
    assert decide(answer, rejections, 10, WEEK, POLICY) == decision


@pytest.mark.parametrize(
    "link",
    [
        "https://spatial.virtualearth.net/REST/v1/data/abc/Name",
        "http://x",
        "HTTPS://X/y",
        "https://user@x:8080/y?z#a b",
        "https://[::1]/é",
    ],
)
def test_a_link_that_is_a_web_url_is_kept(link: str) -> None:
    """As the service said it, in whatever letters."""
    status = JobStatus("Completed", data_source_url=link, error_message="Row 3 failed.")
    assert decide(status, 0, 10, WEEK, POLICY) == Record(Outcome.COMPLETED, status, "Row 3 failed.")


@pytest.mark.parametrize(
    "link",
    ["ftp://x/y", "javascript:alert(1)", "//x/y", "/REST/v1/data/y", "x", "https:", "https://", "https:///y", "https://?a",
     "http://:80/y", "https//x", "x https://y", "data:,https://x"],
)  # fmt: skip
def test_a_link_that_is_no_web_url_is_told_and_not_kept(link: str) -> None:
    """Nobody should open it; a person may still read what it was."""
    decision = decide(JobStatus("Completed", data_source_url=link, description="d"), 0, 10, WEEK, POLICY)
    assert decision == Record(Outcome.COMPLETED, JobStatus("Completed", description="d"), f"{NO_URL}: {link}")


@pytest.mark.parametrize(
    ("answer", "age", "error"),
    [
        (JobStatus("Completed", error_message="e"), 10, f"{NO_LINK}; e"),
        (JobStatus("Completed", data_source_url="x", error_message="e"), 10, f"{NO_URL}: x; e"),
        (JobStatus("Pending", error_message="e"), WEEK, "no end seen within 48 hours; last: status Pending; e"),
        (JobStatus("", error_message="e"), WEEK, "no end seen within 48 hours; last: status missing; e"),
        (Unavailable("HTTP 500; e"), WEEK, "no end seen within 48 hours; last: HTTP 500; e"),
    ],
)
def test_a_reason_has_the_services_own_words(answer: Answer, age: float, error: str) -> None:
    """Where it says any, the row has them beside what we say."""
    decision = decide(answer, 0, age, WEEK, POLICY)
    assert isinstance(decision, Record)
    assert decision.error == error


POLLED_AGAIN = [
    PENDING,
    JobStatus("Odd"),
    JobRefused("j"),
    Throttled("t", 0),
    KeyRefused("k"),
    KeyResting("r", 0),
    Unavailable("u"),
]


@pytest.mark.parametrize("answer", POLLED_AGAIN)
def test_whatever_would_poll_again_times_out_when_it_is_too_old(answer: Answer) -> None:
    """A job does not stay in the queue for ever, and the row says what was last known."""
    assert isinstance(decide(answer, 0, POLICY.max_age, WEEK, POLICY), Defer)
    ended = decide(answer, 0, POLICY.max_age + 1, WEEK, POLICY)
    assert isinstance(ended, Record)
    assert ended.outcome is Outcome.TIMED_OUT
    assert "no end seen within 48 hours; last: " in ended.error
    assert ended.status == (answer if isinstance(answer, JobStatus) else None)
    assert (answer.reason if not isinstance(answer, JobStatus) else answer.state) in ended.error


@pytest.mark.parametrize("answer", POLLED_AGAIN)
def test_whatever_would_poll_again_times_out_before_its_message_expires(answer: Answer) -> None:
    """A message that is about to expire would take the job with it, so the job gets its row now."""
    margin = YOUNG.latest + EXPIRY_MARGIN
    assert isinstance(decide(answer, 0, 10, margin + 1, POLICY), Defer)
    ended = decide(answer, 0, 10, margin, POLICY)
    assert isinstance(ended, Record)
    assert ended.outcome is Outcome.TIMED_OUT
    assert "no end seen before the message expires; last: " in ended.error


@pytest.mark.parametrize("answer", [DONE, JobStatus("Aborted")])
def test_an_end_is_an_end_however_old_the_job_is(answer: JobStatus) -> None:
    """What the service says of an end goes before the clock."""
    decision = decide(answer, 0, WEEK, 0, POLICY)
    assert isinstance(decision, Record)
    assert decision.outcome.status == answer.state


def test_a_rejection_goes_before_a_time_out() -> None:
    """The third 404 is the better reason."""
    decision = decide(JobRefused("HTTP 404"), 2, WEEK, 0, POLICY)
    assert isinstance(decision, Record)
    assert decision.outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    ("age", "wait"),
    [(0, (27, 33)), (300, (27, 33)), (1000, (90, 110)), (9000, (810, 990)), (1e9, (810, 990))],
)
def test_the_delay_is_a_share_of_the_age_within_its_bounds(age: float, wait: tuple[int, int]) -> None:
    """A tenth of the age, spread by a tenth either way, from 30 to 900 seconds."""
    assert POLICY.delay(age) == Wait(*wait)


ages = st.floats(0, 1e9)
policies = st.tuples(st.floats(0, 1), st.floats(1, 3600), st.floats(0, 82800)).map(
    lambda drawn: PollingPolicy(drawn[0], drawn[1], drawn[1] + drawn[2], 48 * 3600)
)


@given(ages, ages, policies, st.floats(0, 1))
def test_the_delay_is_bounded_and_grows_with_the_age(
    age: float, other: float, policy: PollingPolicy, share: float
) -> None:
    """For every policy: whole seconds, at least 1, within a tenth of the bounds; an older job never waits less."""
    wait = policy.delay(age)
    middle = min(max(policy.delay_ratio * age, policy.min_delay), policy.max_delay)
    assert 1 <= wait.earliest <= wait.pick(share) <= wait.latest
    assert wait.earliest >= min(0.9 * middle, round(middle))
    assert wait.latest <= max(1.1 * middle, round(middle))
    younger, older = sorted((age, other))
    assert policy.delay(younger).earliest <= policy.delay(older).earliest
    assert policy.delay(younger).latest <= policy.delay(older).latest


@pytest.mark.parametrize(
    ("seconds", "wait"),
    [(1, (1, 1)), (1.2, (1, 1)), (1.6, (2, 2)), (2, (2, 2)), (2.5, (2, 2)), (5, (5, 5)), (10, (9, 11))],
)
def test_a_delay_too_short_to_spread_in_whole_seconds_is_rounded(seconds: float, wait: tuple[int, int]) -> None:
    """At least a second, and within a tenth where whole seconds allow it."""
    assert PollingPolicy(0, seconds, 900, 1000).delay(0) == Wait(*wait)


def test_every_second_of_a_wait_can_be_picked() -> None:
    """Polls spread over the whole span, both ends included."""
    assert {YOUNG.pick(share / 1000) for share in range(1001)} == set(range(27, 34))


reasons = st.text(max_size=5)
answers: st.SearchStrategy[Answer] = st.one_of(
    st.builds(JobStatus, st.sampled_from(["Pending", "Completed", "Aborted", "Odd", ""]), reasons),
    st.builds(Throttled, reasons, st.floats(0, 3600)),
    st.builds(KeyResting, reasons, st.floats(0, 3600)),
    *(st.builds(kind, reasons) for kind in (KeyRefused, JobRefused, Unavailable)),
)


@given(answers, st.integers(0, 5), ages, st.floats(-1e9, 1e9), policies)
def test_every_answer_has_exactly_one_decision(
    answer: Answer, rejections: int, age: float, expires_in: float, policy: PollingPolicy
) -> None:
    """A job is recorded or deferred, and a deferred one is still due before its message expires."""
    decision = decide(answer, rejections, age, expires_in, policy)
    if isinstance(decision, Defer):
        assert decision.wait.latest + EXPIRY_MARGIN < expires_in
        assert age <= policy.max_age
        assert decision.outcome in (Outcome.PENDING, Outcome.UNAVAILABLE)
        assert 0 <= decision.rejections <= rejections + 1
    else:
        assert decision.outcome.status
