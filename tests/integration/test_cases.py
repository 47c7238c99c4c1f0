"""Answers as other services of this family, and proxies before them, give them: what the row or the line then says."""

import codecs
import json
from typing import Any

import pytest

from dataflow_poller.texts import MAX_LINE
from local.documents import envelope
from local.endpoint import LoadJob
from tests.scenario import Scenario


def answering(app: Scenario, output: str = "json", **answer: Any) -> LoadJob:
    """A job whose first answer is written as told; see `answer_as_written`."""
    return app.job(faults=(f"answer:{json.dumps(answer)}",), output=output)


def completed(app: Scenario, output: str) -> tuple[LoadJob, str]:
    """A job, and the text of its answer."""
    job = app.job(output=output)
    return job, envelope(200, job.document(app.clock.now(), app.clock.now()), output).decode()


def without_job(status: int, *details: str, output: str = "json") -> str:
    return envelope(status, None, output, errors=details).decode()


# Encodings and white space


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b""], ids=["little", "big", "no mark"])
def test_xml_in_utf_16(app: Scenario, mark: bytes) -> None:
    """Which it declares; the Content-Type says something else."""
    encoding = "utf-16-be" if mark == codecs.BOM_UTF16_BE else "utf-16-le"
    job, text = completed(app, "xml")
    text = mark.decode(encoding) + text.replace('encoding="utf-8"', 'encoding="utf-16"')
    answer = {"text": text, "encoding": encoding, "headers": [["Content-Type", "application/xml; charset=utf-8"]]}
    job.faults.append(f"answer:{json.dumps(answer)}")
    assert app.poll()["completed"] == 1
    assert app.rows()[job.job_id]["DataSourceUrl"] == job.data_source_url


@pytest.mark.parametrize("output", ["json", "xml"])
@pytest.mark.parametrize("white", ["\r\n", "\n\n\t ", "\ufeff", "\ufeff\r\n", "\r\n\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_white_space_before_the_document(app: Scenario, output: str, white: str, encoding: str) -> None:
    """A line break before the XML declaration makes it no XML, to the letter; it is ignored all the same."""
    job, text = completed(app, output)
    text = white + text.replace('encoding="utf-8"', f'encoding="{encoding}"')
    job.faults.append(f"answer:{json.dumps({'text': text, 'encoding': encoding})}")
    assert app.poll()["completed"] == 1
    assert app.rows()[job.job_id]["DataSourceUrl"] == job.data_source_url


# Interim answers and doubled headers


@pytest.mark.parametrize("before", [
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-MS-BM-WS-INFO: 1\r\n\r\n",
])  # fmt: skip
def test_an_interim_answer_is_skipped(app: Scenario, before: str) -> None:
    """The answer after it counts."""
    job = answering(app, before=before)
    assert app.poll()["completed"] == 1
    assert app.rows()[job.job_id]["DataSourceUrl"] == job.data_source_url


@pytest.mark.parametrize("values", [["1", "1"], ["0", "1"], ["1, 0"]])
def test_a_throttle_header_counts_where_any_of_its_values_does(app: Scenario, values: list[str]) -> None:
    """A proxy may add its own."""
    answering(app, headers=[["X-MS-BM-WS-INFO", value] for value in values], text=without_job(200))
    assert app.poll()["unavailable"] == 1
    [line] = app.lines("master key throttled")
    assert line["reason"] == "throttled: HTTP 200, X-MS-BM-WS-INFO: 1"


# The status in the body


@pytest.mark.parametrize("output", ["json", "xml"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_body_that_says_that_the_service_is_busy(app: Scenario, output: str, status: int) -> None:
    """The key rests, and the line says why, in the service's own words."""
    answering(
        app, output, text=without_job(status, "The service is busy.", output=output), headers=[["Retry-After", "60"]]
    )
    other = app.job()
    assert app.poll(POLL_CONCURRENCY="1")["unavailable"] == 2
    [line] = app.lines("master key throttled")
    reason = f"throttled: HTTP 200, but status {status} in its body; The service is busy."
    assert line == {"masterKeyName": "default", "reason": reason, "retryAfterSeconds": 60}
    app.later(30)
    assert app.poll().keys() == {"queued", "seconds", "stopped", "version"}
    app.later(31)
    assert app.poll()["completed"] == 2
    assert other.polls == 1


@pytest.mark.parametrize("output", ["json", "xml"])
def test_a_body_that_says_that_the_key_is_refused(app: Scenario, output: str) -> None:
    """As if the answer's own status were 401."""
    answering(app, output, text=without_job(401, "Access was denied.", output=output))
    assert app.poll()["unavailable"] == 1
    [line] = app.lines("master key refused")
    assert line["reason"] == "HTTP 200, but status 401 in its body; Access was denied."


@pytest.mark.parametrize("status", [400, 404])
def test_a_body_that_says_that_the_job_is_refused(app: Scenario, status: int) -> None:
    """It counts among the three in a row."""
    job = app.job(rejections=2, faults=(f"answer:{json.dumps({'text': without_job(status, 'No such job.')})}",))
    assert app.poll()["rejected"] == 1
    assert app.rows()[job.job_id]["ErrorMessage"] == f"HTTP 200, but status {status} in its body; No such job."


def test_a_body_that_says_another_status_is_unavailable(app: Scenario) -> None:
    """And the line has what the service says."""
    answering(app, text=without_job(500, "Out of order."))
    assert app.poll()["unavailable"] == 1
    [line] = app.lines("endpoint unavailable")
    assert line["reason"] == "HTTP 200, but status 500 in its body; Out of order."


def test_a_status_in_the_body_beside_a_job_is_not_asked(app: Scenario) -> None:
    """The job is the better word."""
    job, text = completed(app, "json")
    job.faults.append(f"answer:{json.dumps({'text': text.replace('"statusCode": 200', '"statusCode": 503')})}")
    assert app.poll()["completed"] == 1


# The service's own words


@pytest.mark.parametrize("output", ["json", "xml"])
def test_aborted_with_the_reason_in_error_details_only(app: Scenario, output: str) -> None:
    """The row says why, wherever the service said it."""
    job = app.job("never", output=output)
    document = {"id": job.job_id, "status": "Aborted"}
    text = envelope(200, document, output, errors=("Row 3: the latitude is out of range.", "Row 7, too.")).decode()
    job.faults.append(f"answer:{json.dumps({'text': text})}")
    assert app.poll()["aborted"] == 1
    row = app.rows()[job.job_id]
    assert (row["Status"], row["ErrorMessage"]) == ("Aborted", "Row 3: the latitude is out of range.; Row 7, too.")


@pytest.mark.parametrize("status", [500, 502, 429, 503, 401, 403, 400, 404])
def test_a_reason_has_the_status_and_the_services_words_whatever_the_status(app: Scenario, status: int) -> None:
    """The body of any answer is read, since it says why."""
    answering(app, status=status, text=without_job(status, "The reason."))
    assert app.poll()["unavailable"] == 1
    lines = [line for line in app.app_lines() if "The reason." in line]
    assert len(lines) == 1
    assert f"HTTP {status}; The reason." in lines[0]


@pytest.mark.parametrize("fault", ["status:500", "throttled:503"])
def test_a_body_that_cannot_be_read_does_not_change_what_the_status_says(app: Scenario, fault: str) -> None:
    """An error of a proxy is a page, or half of one."""
    status = int(fault.partition(":")[2])
    headers = [["Content-Encoding", "gzip"]]
    app.job(faults=(f"answer:{json.dumps({'status': status, 'headers': headers, 'text': '<html>no gzip'})}",))
    assert app.poll()["unavailable"] == 1
    lines = [line for line in app.app_lines() if f"HTTP {status}" in line]
    assert len(lines) == 1


def test_timed_out_has_the_services_last_words(app: Scenario) -> None:
    """A person who reads the row need not look for the log."""
    text = without_job(500, "Out of order since Tuesday.")
    job = answering(app, status=500, text=text)
    app.later(7200)
    assert app.poll(JOB_MAX_AGE_HOURS="1")["timed_out"] == 1
    error = app.rows()[job.job_id]["ErrorMessage"]
    assert error == "no end seen within 1 hours; last: HTTP 500; Out of order since Tuesday."


# Links


@pytest.mark.parametrize("link", ["ftp://example.com/x", "javascript:alert(1)", "/REST/v1/data/x"])
def test_completed_with_a_link_that_is_no_web_url(app: Scenario, link: str) -> None:
    """The row has no URL that nobody should open, and says so."""
    links = [{"role": "dataSource", "name": "service", "url": link}]
    job = app.job(faults=(f"job:{json.dumps({'links': links})}",))
    assert app.poll()["completed"] == 1
    row = app.rows()[job.job_id]
    assert (row["Status"], row["DataSourceUrl"]) == ("Completed", "")
    assert row["ErrorMessage"] == f"completed with a data source link that is no http or https URL: {link}"
    assert "DataSourceName" not in row


def test_completed_with_an_error_log(app: Scenario) -> None:
    """The service's log of what failed is kept, of a completed job, too."""
    links = [
        {"role": "datasource", "name": "service", "url": "https://example.com/data/Depots"},
        {"role": "output", "name": "failed", "url": "https://example.com/failed"},
    ]
    job = app.job("failures", faults=(f"job:{json.dumps({'links': links, 'failedEntityCount': 7})}",))
    app.poll()
    row = app.rows()[job.job_id]
    assert (row["DataSourceName"], row["ErrorLogUrl"]) == ("Depots", "https://example.com/failed")
    assert row["FailedEntityCount"] == 7


# Texts without end


def test_a_refusal_with_a_megabyte_of_details(app: Scenario) -> None:
    """A line has bounds; that it was cut can be seen."""
    answering(app, status=401, text=without_job(401, "The key is not one of an account in good standing. " * 18_000))
    assert app.poll()["unavailable"] == 1
    [line] = [line for line in app.app_lines() if line.startswith("master key refused")]
    assert len(line) == MAX_LINE
    [fields] = app.lines("master key refused")
    assert fields["reason"].startswith("HTTP 401; The key is not one of an account in good standing. The key")
    assert fields["reason"].endswith("…")


@pytest.mark.parametrize("text", ["緯度が範囲外です。", "Ошибка ", "😀", "\x01", "\ud800", "\\", '"', "a\u2028"])
def test_an_error_without_end_in_any_script(app: Scenario, text: str) -> None:
    """The row holds as much as a row can, the line as much as a line can."""
    times = 40_000 // len(text)
    job = app.job(faults=(f"job:{json.dumps({'status': 'Aborted', 'errorMessage': text * times})}",))
    assert app.poll()["aborted"] == 1
    error = app.rows()[job.job_id]["ErrorMessage"]
    replaced = text.replace("\x01", "\ufffd").replace("\ud800", "\ufffd")
    assert len(error.encode("utf-16-le")) == 64_000
    assert (replaced * times).startswith(error)
    [line] = app.lines("row written")
    assert line["errorMessage"].endswith("…")
    assert error.startswith(line["errorMessage"][:-1])
    [whole] = [line for line in app.app_lines() if line.startswith("row written")]
    assert MAX_LINE - len(r"\u0000") < len(whole) <= MAX_LINE


def test_a_long_error_in_japanese_is_whole(app: Scenario) -> None:
    """7,200 letters are no more than that in the row and in the line."""
    error = "緯度が範囲外です。" * 800
    job = app.job(faults=(f"job:{json.dumps({'status': 'Aborted', 'errorMessage': error})}",))
    app.poll()
    assert app.rows()[job.job_id]["ErrorMessage"] == error
    assert app.lines("row written")[0]["errorMessage"] == error


def test_every_text_of_an_answer_without_end(app: Scenario) -> None:
    """A row that is as large as rows may be is written, with the events of the log beside it."""
    long = "x" * 150_000
    links = [
        {"role": "datasource", "name": "service", "url": f"https://example.com/{long}/Depots"},
        {"role": "output", "name": "failed", "url": f"https://example.com/{long}"},
    ]
    changes = {"description": long, "errorMessage": long, "links": links, "totalEntityCount": "9" * 15}
    job = app.job(faults=(f"job:{json.dumps(changes)}",))
    odd = app.job(faults=(f"job:{json.dumps({'status': long})}",))
    summary = app.poll()
    assert (summary["completed"], summary["pending"]) == (1, 1)
    row = app.rows()[job.job_id]
    assert row["DataSourceName"] == "Depots"
    assert {len(row[name]) for name in ("DataSourceUrl", "ErrorLogUrl", "Description", "ErrorMessage")} == {32_000}
    assert "TotalEntityCount" not in row
    [line] = app.lines("unknown status")
    assert (line["jobId"], line["status"][-1], len(line["status"]) > 15_000) == (odd.job_id, "…", True)
