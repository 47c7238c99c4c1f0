"""Settings on the whole app: as people paste them, and wrong ones before any request."""

import json

import pytest

from tests.conftest import CANARY
from tests.scenario import Scenario

REPEATS_THE_KEY = "body:" + json.dumps(
    {
        "authenticationResultCode": "InvalidCredentials",
        "errorDetails": [f"Access denied for {CANARY}."],
        "resourceSets": [{"estimatedTotal": 0, "resources": []}],
        "statusCode": 401,
    }
)


@pytest.mark.parametrize("spread", ["; ", ";\n", " ;\r\n\t", ";;\u200b"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_connection_string_with_blanks_or_over_lines_works(app: Scenario, spread: str, quote: str) -> None:
    """As a person copies it from a page or a file."""
    job = app.job()
    app.poll(JobStorage=f"{quote}{app.connection_string.replace(';', spread)}{spread}{quote}\n")
    assert app.rows()[job.job_id]["Status"] == "Completed"


@pytest.mark.parametrize("pasted", ["\ufeff{}", "{}\u200b", "'{}'", ' "\u2060{} "\r\n'])
def test_a_key_with_what_pasting_brings_along_works(app: Scenario, pasted: str) -> None:
    """The endpoint gets the key itself, and the key itself is what is hidden where the service repeats it."""
    key = pasted.format(CANARY)
    job = app.job()
    app.poll(BING_MAPS_MASTER_KEY=key)
    assert app.rows()[job.job_id]["Status"] == "Completed"
    app.job(faults=(REPEATS_THE_KEY,))
    app.poll(BING_MAPS_MASTER_KEY=key)
    assert len(app.lines("master key refused")) == 1


@pytest.mark.parametrize(("wrong", "why"), [
    ("AccountName=abc", "expected AccountName and AccountKey"),
    ("{}", "expected AccountName, or"),
    ("AccountName=abc;AccountKey={}", "the account key is not base64"),
    ("AccountName=abc;AccountKey=c2VjcmV0;QueueEndpoint={}", "its QueueEndpoint"),
])  # fmt: skip
def test_what_cannot_be_a_connection_string_is_a_wrong_setting(app: Scenario, wrong: str, why: str) -> None:
    """Named before any request, without its text: that may be a key."""
    app.job()
    error = app.fail(JobStorage=wrong.format(CANARY))
    assert f"wrong app settings: JobStorage: {why}" in error
    assert app.stand_in.requests == []
    assert len(app.visible()) == 1


@pytest.mark.parametrize(("key", "why"), [("any", "shorter than 16"), ("", "empty"), (CANARY + "é", "printable ASCII")])
def test_a_key_that_cannot_be_one_is_told_with_its_setting(app: Scenario, key: str, why: str) -> None:
    """An error line says where to look; messages that name it wait."""
    app.job()
    app.job(masterKeyName="other")
    app.poll(BING_MAPS_MASTER_KEY=CANARY, BING_MAPS_MASTER_KEY_OTHER=key)
    [line] = app.lines("master key not configured")
    assert (line["masterKeyName"], line["setting"]) == ("other", "BING_MAPS_MASTER_KEY_OTHER")
    assert why in line["reason"]
    assert app.queued() == 1


def test_a_setting_that_is_most_likely_a_typing_error_is_told(app: Scenario) -> None:
    """One warning a run, whether or not there is work."""
    app.poll(POLL_CONCURENCY="8", BING_MAPS_KEY=CANARY)
    assert [line["setting"] for line in app.lines("unknown app setting")] == ["BING_MAPS_KEY", "POLL_CONCURENCY"]
    assert "WARNING dataflow_poller unknown app setting" in app.log.getvalue()
