"""Answers: each row of the table of answers, in its order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.answer import (
    MAX_RETRY_AFTER,
    Answer,
    JobRefused,
    KeyRefused,
    Throttled,
    Unavailable,
    read_answer,
    retry_after,
)
from dataflow_poller.status import JobStatus
from local.documents import envelope

ID = "f8293dc72ac04942b7cb003c9608c547"
PENDING = envelope(200, {"id": ID, "status": "Pending"}, "json")
INVALID = envelope(200, None, "json", credentials="InvalidCredentials")
NULL = PENDING.replace(b'"ValidCredentials"', b"null")
NO_BODY = Unavailable("the body is cut short")
SHED = {"X-MS-BM-WS-INFO": "1"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (429, {}, b"", Throttled),
        (503, {}, b"<html>", Throttled),
        (200, SHED, PENDING, Throttled),
        (200, SHED, NO_BODY, Throttled),
        (500, SHED, b"", Throttled),
        (200, {"X-MS-BM-WS-INFO": "0"}, PENDING, JobStatus),
        (401, {}, b"", KeyRefused),
        (403, {}, NO_BODY, KeyRefused),
        (403, {}, PENDING, KeyRefused),
        (200, {}, INVALID, KeyRefused),
        (400, {}, INVALID, KeyRefused),
        (404, {}, INVALID, KeyRefused),
        (200, {}, envelope(200, None, "xml", credentials="None"), KeyRefused),
        (500, {}, INVALID, Unavailable),
        (400, {}, b"", JobRefused),
        (404, {}, b"<html>", JobRefused),
        (404, {}, NO_BODY, JobRefused),
        (404, {}, NULL, JobRefused),
        (200, {}, PENDING, JobStatus),
        (200, {}, NULL, JobStatus),
        (200, {}, PENDING.replace(ID.encode(), b"0" * 32), Unavailable),
        (200, {}, b"{}", Unavailable),
        (200, {}, b"null", Unavailable),
        (200, {}, b"<html>", Unavailable),
        (200, {}, NO_BODY, Unavailable),
        (201, {}, PENDING, Unavailable),
        (204, {}, b"", Unavailable),
        (302, {"Location": "https://example.com"}, b"", Unavailable),
        (500, {}, b"", Unavailable),
        (502, {}, b"<html>", Unavailable),
    ],
)
def test_the_first_row_that_fits_decides(
    status: int, headers: dict[str, str], body: bytes | Unavailable, kind: type[Answer]
) -> None:
    """What each response means, and in which order the rows are tried."""
    assert isinstance(read_answer(status, headers, body, ID), kind)


def test_reasons_say_what_the_service_said() -> None:
    """A person who reads a log line or a row learns the status and the details."""
    body = envelope(404, None, "json", errors=("No such job.", "Really."))
    assert read_answer(404, {}, body, ID) == JobRefused("HTTP 404; No such job.; Really.")
    assert read_answer(200, {}, INVALID, ID) == KeyRefused("HTTP 200; InvalidCredentials")
    assert read_answer(302, {}, b"", ID) == Unavailable("HTTP 302, redirect not followed")
    assert read_answer(500, {}, b"", ID) == Unavailable("HTTP 500")
    assert read_answer(200, {}, b"{}", ID) == Unavailable("HTTP 200: the body is not about this job")
    assert read_answer(200, {}, NO_BODY, ID) == NO_BODY
    assert read_answer(429, {"Retry-After": "7"}, b"", ID) == Throttled("throttled: HTTP 429", 7)


DATE = "Fri, 01 Jan 2027 12:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("0", "", 0),
        ("5", "", 5),
        (" 5 ", "", 5),
        ("0005", "", 5),
        ("3600", "", 3600),
        ("3601", "", 3600),
        ("9" * 5000, "", 3600),
        ("-5", "", 0),
        ("1.5", "", 0),
        ("soon", "", 0),
        ("٣", "", 0),
        ("", "", 0),
        ("Fri, 01 Jan 2027 12:00:30 GMT", DATE, 30),
        ("Fri, 01 Jan 2027 11:00:00 GMT", DATE, 0),
        ("Sat, 01 Jan 2028 12:00:00 GMT", DATE, 3600),
        ("Fri, 01 Jan 2027 12:00:30 GMT", "", 0),
        ("Fri, 01 Jan 2027 12:00:30 GMT", "junk", 0),
        ("Fri, 01 Jan 2027 12:00:30", DATE, 0),
    ],
)
def test_retry_after(value: str, date: str, seconds: float) -> None:
    """Seconds, or a date by the service's own clock; capped; junk and the past are nothing."""
    headers = {"Retry-After": value} | ({"Date": date} if date else {})
    assert retry_after(headers) == seconds


@given(st.text(), st.text())
def test_any_retry_after_is_within_bounds(value: str, date: str) -> None:
    """No header can make a run fail or a job wait for ever."""
    assert 0 <= retry_after({"Retry-After": value, "Date": date}) <= MAX_RETRY_AFTER


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["Retry-After", "Date", "X-MS-BM-WS-INFO"]), st.text()),
    st.binary(),
)
def test_every_response_means_something(status: int, headers: dict[str, str], body: bytes) -> None:
    """Reading a response raises nothing."""
    assert isinstance(read_answer(status, headers, body, ID), Answer)
