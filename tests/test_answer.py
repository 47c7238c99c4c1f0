"""Answers: each row of the table of answers, in its order."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.answer import (
    MAX_RETRY_AFTER,
    MAX_TEXT,
    Answer,
    JobRefused,
    KeyRefused,
    Throttled,
    Unavailable,
    read_answer,
    retry_after,
)
from dataflow_poller.status import JobStatus
from local.documents import Job, envelope

ID = "f8293dc72ac04942b7cb003c9608c547"
PENDING = envelope(200, {"id": ID, "status": "Pending"}, "json")
INVALID = envelope(200, None, "json", credentials="InvalidCredentials")
NULL = PENDING.replace(b'"ValidCredentials"', b"null")
NO_BODY = Unavailable("the body is cut short")
SHED = {"X-MS-BM-WS-INFO": "1"}


def errors(status: int, *details: str, job: Job | None = None) -> bytes:
    """A body that repeats a status, with what the service says of it."""
    return envelope(status, job, "json", errors=details)


def read(status: int, body: bytes | Unavailable = b"", **headers: str) -> Answer:
    return read_answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, ID, str)


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (429, {}, b"", Throttled),
        (503, {}, b"<html>", Throttled),
        (503, {}, NO_BODY, Throttled),
        (503, {}, INVALID, Throttled),
        (200, {}, errors(429), Throttled),
        (200, {}, errors(503), Throttled),
        (200, SHED, PENDING, Throttled),
        (200, SHED, NO_BODY, Throttled),
        (500, SHED, b"", Throttled),
        (401, SHED, INVALID, Throttled),
        (200, {"X-MS-BM-WS-INFO": "1, 1"}, PENDING, Throttled),
        (200, {"X-MS-BM-WS-INFO": "0,1 "}, PENDING, Throttled),
        (200, {"X-MS-BM-WS-INFO": "0"}, PENDING, JobStatus),
        (200, {"X-MS-BM-WS-INFO": "11, 10"}, PENDING, JobStatus),
        (200, {"X-MS-BM-WS-INFO": ""}, PENDING, JobStatus),
        (401, {}, b"", KeyRefused),
        (403, {}, NO_BODY, KeyRefused),
        (403, {}, PENDING, KeyRefused),
        (200, {}, errors(401), KeyRefused),
        (200, {}, errors(403), KeyRefused),
        (200, {}, INVALID, KeyRefused),
        (400, {}, INVALID, KeyRefused),
        (404, {}, INVALID, KeyRefused),
        (200, {}, envelope(200, None, "xml", credentials="None"), KeyRefused),
        (200, {}, envelope(404, None, "xml", credentials="None"), KeyRefused),
        (500, {}, INVALID, Unavailable),
        (200, {}, envelope(500, None, "json", credentials="InvalidCredentials"), Unavailable),
        (400, {}, b"", JobRefused),
        (404, {}, b"<html>", JobRefused),
        (404, {}, NO_BODY, JobRefused),
        (404, {}, NULL, JobRefused),
        (404, {}, errors(503), JobRefused),
        (200, {}, errors(400), JobRefused),
        (200, {}, errors(404), JobRefused),
        (200, {}, PENDING, JobStatus),
        (200, {}, NULL, JobStatus),
        (200, {}, errors(503, job={"id": ID, "status": "Pending"}), JobStatus),
        (200, {}, errors(503, job={"id": "0" * 32}), Unavailable),
        (200, {}, PENDING.replace(ID.encode(), b"0" * 32), Unavailable),
        (200, {}, b"{}", Unavailable),
        (200, {}, b"null", Unavailable),
        (200, {}, b"<html>", Unavailable),
        (200, {}, NO_BODY, Unavailable),
        (200, {}, errors(500), Unavailable),
        (200, {}, errors(302), Unavailable),
        (200, {}, errors(0), Unavailable),
        (201, {}, PENDING, Unavailable),
        (204, {}, b"", Unavailable),
        (302, {"Location": "https://example.com"}, b"", Unavailable),
        (500, {}, b"", Unavailable),
        (500, {}, PENDING, Unavailable),
        (502, {}, b"<html>", Unavailable),
    ],
)
def test_the_first_row_that_fits_decides(
    status: int, headers: dict[str, str], body: bytes | Unavailable, kind: type[Answer]
) -> None:
    """What each response means, and in which order the rows are tried."""
    assert isinstance(read_answer(status, headers, body, ID, str), kind)


@pytest.mark.parametrize("repeated", [b"503", b'"503"', b'" 503 "', b"503.0"])
def test_a_status_in_the_body_is_a_number_however_it_is_written(repeated: bytes) -> None:
    """JSON has it with quotes or without; in XML all is text."""
    assert isinstance(read(200, b'{"StatusCode": ' + repeated + b"}"), Throttled)
    assert isinstance(read(200, envelope(503, None, "xml")), Throttled)


@pytest.mark.parametrize("repeated", [b"null", b'"soon"', b"[503]", b"true", b"503.5", b'"' + b"5" * 25 + b'"'])
def test_a_status_in_the_body_that_is_no_number_is_none(repeated: bytes) -> None:
    """What remains is a 200 without a job."""
    assert read(200, b'{"statusCode": ' + repeated + b"}") == Unavailable("HTTP 200: the body is not about this job")


def test_reasons_say_what_the_service_said() -> None:
    """A person who reads a log line or a row learns the status and the details."""
    assert read(404, errors(404, "No such job.", "Really.")) == JobRefused("HTTP 404; No such job.; Really.")
    assert read(200, INVALID) == KeyRefused("HTTP 200; InvalidCredentials")
    assert read(401, INVALID) == KeyRefused("HTTP 401; InvalidCredentials")
    assert read(403, errors(403, "No.")) == KeyRefused("HTTP 403; No.")
    assert read(302) == Unavailable("HTTP 302, redirect not followed")
    assert read(500) == Unavailable("HTTP 500")
    assert read(500, errors(500, "Out of order.")) == Unavailable("HTTP 500; Out of order.")
    assert read(200, b"{}") == Unavailable("HTTP 200: the body is not about this job")
    assert read(200, errors(200, "Odd.")) == Unavailable("HTTP 200: the body is not about this job; Odd.")
    assert read(200) == Unavailable("HTTP 200: the body is empty")
    assert read(200, NO_BODY) == NO_BODY
    assert read(429, Retry_After="7") == Throttled("throttled: HTTP 429", 7)
    assert read(503, errors(503, "Busy.")) == Throttled("throttled: HTTP 503; Busy.", 0)
    assert read(200, errors(503, "Busy.")) == Throttled("throttled: HTTP 200, but status 503 in its body; Busy.", 0)
    assert read(200, X_MS_BM_WS_INFO="1") == Throttled("throttled: HTTP 200, X-MS-BM-WS-INFO: 1", 0)


KEY = "a-key-of-sixteen-letters"
LINKS = [
    {"role": "dataSource", "name": "service", "url": f"https://x/{KEY}/Name"},
    {"role": "output", "name": "failed", "url": f"https://x/?key={KEY}"},
]


def test_keys_are_masked_in_every_text_of_an_answer() -> None:
    """An endpoint that echoes the key has it in no row and no line."""
    job = {"id": ID, "status": KEY, "description": KEY, "links": LINKS, "errorMessage": KEY}
    for body in (
        envelope(200, job, "json"),
        envelope(200, job, "xml"),
        errors(200, KEY, job={**job, "errorMessage": ""}),
    ):
        with_trace = body.replace(b"0e9a1c7a94f64b5cb4ce1a0b3ffb9d4e", KEY.encode())
        answer = read_answer(200, {}, with_trace, ID, mask)
        assert KEY not in repr(answer)
        assert repr(answer).count("***") == 6
    for status in (200, 404, 401, 429, 500):
        answer = read_answer(status, {}, envelope(status, None, "json", credentials=KEY, errors=(KEY,)), ID, mask)
        assert KEY not in repr(answer)
        assert "***" in repr(answer)


def mask(text: str) -> str:
    return text.replace(KEY, "***")


def test_texts_are_masked_before_they_are_cut_and_cut_for_all_that_comes_after() -> None:
    """No half of a key is left at a cut, and each text is searched for keys once, however long it is."""
    text = "x" * (MAX_TEXT - 5) + KEY + "x" * 500_000
    masked: list[int] = []

    def counting(text: str) -> str:
        masked.append(len(text))
        return mask(text)

    refused = read_answer(401, {}, errors(401, text), ID, counting)
    assert isinstance(refused, KeyRefused)
    assert (len(refused.reason), len(masked)) == (MAX_TEXT, 1)
    job = {"id": ID, "status": "Aborted", "errorMessage": text, "description": text}
    status = read_answer(200, {}, envelope(200, job, "json"), ID, counting)
    assert isinstance(status, JobStatus)
    assert status.error_message == status.description == "x" * (MAX_TEXT - 5) + "***xx"
    assert sum(masked) < 4 * len(text)


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
        ("7, 7", "", 7),  # A header twice, as after a proxy that adds its own.
        ("7,9999999", "", 3600),
        ("7, soon", "", 0),
        ("Fri, 01 Jan 2027 12:00:30 GMT, Fri, 01 Jan 2027 12:00:30 GMT", f"{DATE}, {DATE}", 30),
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


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([ID, "Completed", "503", "ValidCredentials"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "status", "links", "resources", "url", "role"]), inner),
    max_leaves=20,
)  # fmt: skip
documents = st.dictionaries(
    st.sampled_from(["statusCode", "authenticationResultCode", "errorDetails", "traceId", "resourceSets"]), odd
)
bodies = (
    st.binary()
    | documents.map(lambda document: json.dumps(document).encode())
    | st.tuples(st.sampled_from(["utf-8", "utf-16", "utf-32"]), st.text()).map(lambda drawn: drawn[1].encode(drawn[0]))
    | st.tuples(st.sampled_from(["utf-8", "utf-16", "ascii", "punycode", "x"]), st.text("<>/&;Responsa1 \n")).map(
        lambda drawn: f'<?xml version="1.0" encoding="{drawn[0]}"?>{drawn[1]}'.encode()
    )
)


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["Retry-After", "Date", "X-MS-BM-WS-INFO"]), st.text()),
    bodies | st.just(NO_BODY),
)
def test_every_response_means_something(status: int, headers: dict[str, str], body: bytes | Unavailable) -> None:
    """Reading a response raises nothing."""
    assert isinstance(read_answer(status, headers, body, ID, str), Answer)
