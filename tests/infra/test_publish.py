"""Publishing, against a stand-in of the publish endpoint and of the management plane, over HTTP."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from .conftest import ROOT
from .publish_site import CLOSED, Site, reference, served

sys.path.append(str(ROOT / "infra"))
from deployment.tools.publish import Publisher, timers_of
from deployment.tools.references import WHAT_TO_DO, References
from deployment.tools.rest import Azure, DeploymentError

ZIP = b"PK\x03\x04 not really"
TOKEN = "t0ken-of-nobody"
FORBIDDEN = (
    "Failed to upload because Azure Storage responded with Forbidden : Response status code does not indicate "
    "success: 403 (This request is not authorized to perform this operation.)"
)
DENIED = "AccessToKeyVaultDenied"


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as site:
        yield site


def publish(site: Site, pollers: int = 2, attempts: int = 8) -> int:
    azure = Azure(lambda: TOKEN, pause=0, attempts=attempts)
    return Publisher(azure, site.url, f"{site.url}/app").publish(ZIP, timers_of(pollers))


def refused(site: Site, attempts: int = 3) -> str:
    """What is said where publishing does not succeed."""
    with pytest.raises(DeploymentError) as caught:
        publish(site, attempts=attempts)
    return str(caught.value)


def test_a_deployment_is_waited_for_and_checked(site: Site) -> None:
    """The zip with a token; then the deployment until it ends; then the functions; then the keys."""
    publish(site)
    assert site.requests[0] == ("POST", "/api/publish?RemoteBuild=false", f"Bearer {TOKEN}", ZIP)
    assert site.asked() == ["publish", *["deployments"] * 3, "functions", "refresh", "references"]
    assert {path for _, path, *_ in site.requests[1:4]} == {"/api/deployments/abc123"}
    assert site.requests[5][:2] == (
        "POST", "/app/config/configreferences/appsettings/refresh?api-version=2024-11-01",
    )  # fmt: skip


@pytest.mark.parametrize("deployments", [
    pytest.param([(404, "not found"), (200, {"status": 1}), (200, {"status": 4})], id="404 before it is there"),
    pytest.param([(404, "")] * 6 + [(200, {"status": 4})], id="404 many times before it is there"),
    pytest.param([(200, {"status": 4})], id="at its end at once"),
    pytest.param([(202, {"status": 1}), (202, {"status": 2}), (200, {"status": 4})], id="202 while it goes on"),
    pytest.param([(200, {"status": 1}), (404, "")], id="recycled after it was there"),
    pytest.param([(404, ""), (404, ""), (200, {"status": 1}), (404, "")], id="404 early and late"),
    pytest.param([(200, {"status": 1}), (404, ""), (404, ""), (200, {"status": 2}), (200, {"status": 4})], id="404 between"),
    pytest.param([(200, {"status": 1}), (502, "<html>"), (CLOSED, ""), (503, ""), (200, {"status": 4})], id="trouble between"),
    pytest.param([(403, ""), (200, {"status": 4})], id="403 while rights spread"),
    pytest.param([(200, "no JSON"), (200, []), (200, {}), (200, {"status": None}), (200, {"status": 4})], id="no status"),
])  # fmt: skip
def test_a_deployment_that_is_hard_to_see_is_waited_for(site: Site, deployments: list[tuple[int, Any]]) -> None:
    """It is unknown before it comes alive and after its worker is recycled; that is no failure."""
    site.script["deployments"] = deployments
    publish(site)
    assert site.asked().count("publish") == 1


def test_another_deployment_is_waited_for(site: Site) -> None:
    """409 is one that is under way: it ends."""
    site.script["publish"] = [(409, "conflict"), (409, "conflict"), (202, '"abc123"')]
    publish(site)
    assert site.asked().count("publish") == 3


@pytest.mark.parametrize(("status", "said"), [
    (-1, "The deployment was cancelled"),
    (3, "The deployment failed"),
    (5, "The deployment was cancelled, because another one was under way"),
    (6, "The deployment succeeded only in part"),
])  # fmt: skip
def test_a_bad_end_is_said_at_once(site: Site, status: int, said: str) -> None:
    """It is asked for once, not until the patience is over; what the service says is in the error."""
    site.script["deployments"] = [(200, {"status": 1}), (200, {"status": status, "status_text": "host.json is broken"})]
    error = refused(site)
    assert error.startswith(f"{said}: host.json is broken")
    assert f"{site.url}/api/deployments/abc123/log" in error
    assert site.asked() == ["publish", "deployments", "deployments", "log"]


def test_a_failed_deployment_says_what_its_log_says(site: Site) -> None:
    """Its worker is recycled soon, and nobody can read the log then."""
    site.script["deployments"] = [(200, {"status": 3, "status_text": ""})]
    site.script["log"] = [(200, [{"message": "Validating."}, {"message": "The package has no host.json."}])]
    assert "failed: Validating.; The package has no host.json." in refused(site)
    site.script["log"] = [(200, {"not": "a log"})]
    assert "failed: it does not say why" in refused(site)


def test_a_right_on_storage_that_still_spreads_is_waited_for(site: Site) -> None:
    """A new app's identity may not write its package yet: the deployment fails, and a later one does not."""
    site.script["deployments"] = [(200, {"status": 3}), (200, {"status": 3}), (200, {"status": 4})]
    site.script["log"] = [(200, [{"message": FORBIDDEN}])]
    publish(site)
    assert site.asked().count("publish") == 3


def test_a_right_on_storage_that_never_comes_is_said(site: Site) -> None:
    """With the role that is missing, and what the log says."""
    site.script["deployments"] = [(200, {"status": 3, "status_text": FORBIDDEN})]
    error = refused(site)
    assert "Storage Blob Data Owner" in error
    assert FORBIDDEN in error


@pytest.mark.parametrize("status", [CLOSED, 403, 404, 408, 409, 429, 500, 502, 503, 504])
def test_answers_that_pass_are_waited_out(site: Site, status: int) -> None:
    """Rights and names take minutes to spread, and a new app takes its time."""
    for kind in set(site.script) - {"log"}:
        site.script[kind].insert(0, (status, "not yet"))
    publish(site)


def http_error(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code, response._content = status, b"not yet"
    return requests.HTTPError(response=response)


@given(
    st.lists(st.integers(500, 599) | st.sampled_from([403, 404, 408, 409, 429]) | st.none(), max_size=20),
    st.integers(1, 20),
)
def test_any_trouble_that_passes_is_waited_out(trouble: list[int | None], attempts: int) -> None:
    """Whatever passes, in whatever order, as long as it ends before the patience does, and no longer."""
    left = list(trouble)

    def attempt() -> str:
        if not left:
            return "well"
        status = left.pop(0)
        raise requests.ConnectionError if status is None else http_error(status)

    azure = Azure(lambda: TOKEN, pause=0, attempts=attempts)
    if len(trouble) < attempts:
        assert azure.until(attempt, "trouble", "advice") == "well"
    else:
        with pytest.raises(DeploymentError, match=r"^trouble \(.*\)\. .*advice$"):
            azure.until(attempt, "trouble", "advice")
        assert len(left) == len(trouble) - attempts


@pytest.mark.parametrize("status", [302, 400, 401, 405, 413, 415])
@pytest.mark.parametrize("kind", ["publish", "deployments", "functions", "refresh", "references"])
def test_what_azure_refuses_is_said_at_once(site: Site, kind: str, status: int) -> None:
    """No patience helps there; a redirect would take the token elsewhere."""
    site.script[kind] = [(status, "so not")]
    assert f"(HTTP {status}: so not). " in refused(site)
    assert site.asked().count(kind) == 1


@pytest.mark.parametrize(("kind", "answer", "said"), [
    ("publish", (403, "no right"), "does not take the package (HTTP 403: no right). Your account needs the role Website Contributor"),
    ("publish", (401, ""), "does not take the package (HTTP 401). Sign in again"),
    ("publish", (409, "busy"), "(HTTP 409: busy). Another deployment"),
    ("publish", (202, "<html>"), "gave no id of a deployment (HTTP 202: <html>)"),
    ("publish", (CLOSED, ""), "does not take the package (RemoteDisconnected)"),
    ("deployments", (404, ""), "does not end (the deployment is not known yet)"),
    ("deployments", (200, {"status": 1}), "does not end (the deployment goes on, with status 1)"),
    ("deployments", (200, "no JSON"), "does not end (an answer without a JSON object)"),
    ("functions", (200, {"value": [{"name": "app/poll"}]}), "does not list its timers (poll_2 missing)"),
    ("functions", (200, {}), "does not list its timers (poll, poll_2 missing)"),
    ("references", (403, ""), "master keys are not resolved (HTTP 403)"),
])  # fmt: skip
def test_what_never_ends_well_is_said_with_what_to_do(
    site: Site, kind: str, answer: tuple[int, Any], said: str
) -> None:
    """An error that does not help is a defect."""
    site.script[kind] = [answer]
    error = refused(site)
    assert said in error
    assert "pulumi up" in error or "python -m deployment.tools.references" in error


def test_a_host_that_is_still_starting_is_waited_for(site: Site) -> None:
    """The list of functions answers 400 then."""
    starting = {"Code": "BadRequest", "Message": "Encountered an error (ServiceUnavailable) from host runtime."}
    site.script["functions"].insert(0, (400, starting))
    publish(site)


def test_lists_are_read_page_by_page(site: Site) -> None:
    """A timer, or a reference, may be on the second page."""
    pages = [
        {"value": [{"name": "app/poll"}], "nextLink": f"{site.url}/app/functions?page=2"},
        {"value": [{"name": "app/poll_2"}]},
    ]
    site.script["functions"] = [(200, page) for page in pages]
    more = f"{site.url}/app/config/configreferences/appsettings?page=2"
    site.script["references"] = [
        (200, {"value": [reference("BING_MAPS_MASTER_KEY", "Resolved")], "nextLink": more}),
        (200, {"value": [reference("BING_MAPS_MASTER_KEY_B", DENIED)]}),
    ]
    assert "BING_MAPS_MASTER_KEY_B: " in refused(site)


def test_the_token_goes_to_no_other_host(site: Site) -> None:
    """A list that claims to go on elsewhere is not followed."""
    with served() as other:
        site.script["functions"] = [(200, {"value": [], "nextLink": f"{other.url}/app/functions"})]
        assert "another host" in refused(site)
        assert not other.requests


def test_references_are_read_again_until_each_is_resolved(site: Site) -> None:
    """A new app asks for its keys before its right has spread, and Azure keeps the refusal until it is told to look."""
    names = ("BING_MAPS_MASTER_KEY", "BING_MAPS_MASTER_KEY_CONTOSO")
    looks = [("Initialized", DENIED), (DENIED, "Resolved"), ("Resolved", "Resolved")]
    site.script["references"] = [
        (200, {"value": [reference(*one) for one in zip(names, look, strict=True)]}) for look in looks
    ]
    assert References(Azure(lambda: TOKEN, pause=0, attempts=5), f"{site.url}/app").resolve() == 2
    assert site.asked() == ["refresh", *["references"] * 3]


def test_a_refresh_that_did_not_come_through_is_made_again(site: Site) -> None:
    """Else Azure goes on saying what it said before."""
    site.script["refresh"] = [(503, ""), (409, ""), (200, "")]
    References(Azure(lambda: TOKEN, pause=0, attempts=5), f"{site.url}/app").resolve()
    assert site.asked() == [*["refresh"] * 3, "references"]


@pytest.mark.parametrize("status", [*WHAT_TO_DO, "OtherReasons", "FetchTimedOut", "UnauthorizedClient", "Initialized"])
def test_a_reference_that_is_not_resolved_is_said_with_why(site: Site, status: str) -> None:
    """Which one, its status, Azure's own words, and what to do; the ones that are resolved are not named."""
    listed = [
        reference("BING_MAPS_MASTER_KEY", "Resolved"),
        reference("BING_MAPS_MASTER_KEY_B", status, "Details of Azure."),
    ]
    site.script["references"] = [(200, {"value": listed})]
    error = refused(site)
    assert f"BING_MAPS_MASTER_KEY_B: {status}, Details of Azure." in error
    assert WHAT_TO_DO.get(status, "") in error
    assert "BING_MAPS_MASTER_KEY:" not in error


def test_an_empty_list_of_references_is_looked_at_again(site: Site) -> None:
    """A new app's list may be empty at first; that is not yet a proof that its keys are there."""
    site.script["references"] = [(200, {"value": []}), (200, {"value": [reference("BING_MAPS_MASTER_KEY", DENIED)]})]
    assert "BING_MAPS_MASTER_KEY: " in refused(site)
    site.script["references"] = [(200, {"value": []})]
    assert publish(site) == 0


def test_no_token_is_said(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in a line about the progress nor in an error."""
    for kind in ("publish", "deployments", "functions", "references"):
        site.script[kind] = [(500, "trouble"), *site.script[kind]]
    publish(site)
    site.script["functions"] = [(500, "trouble")]
    error = refused(site)
    said = capsys.readouterr()
    assert "HTTP 500: trouble; trying again every 0 s" in said.err
    assert TOKEN not in said.out + said.err + error


def test_long_waiting_is_seen(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """A line when something changes, and one a minute, so that nobody thinks that it hangs."""
    site.script["publish"] = [*[(503, "")] * 30, (202, '"abc123"')]
    publish(site, attempts=40)
    assert 2 <= capsys.readouterr().err.count("HTTP 503; trying again") <= 4


def test_an_endpoint_that_is_not_there_is_said() -> None:
    """The kind of the trouble, without an address."""
    azure = Azure(lambda: TOKEN, pause=0, attempts=2)
    with pytest.raises(DeploymentError, match=r"does not take the package \(NewConnectionError\)"):
        Publisher(azure, "http://127.0.0.1:1", "http://127.0.0.1:1").publish(ZIP, {"poll"})


@pytest.mark.parametrize("tool", ["publish", "references", "package"])
def test_the_commands_say_how_they_are_called(tool: str) -> None:
    """Their help is sufficient to call them by hand."""
    help_text = run(tool, "--help").stdout
    assert f"python -m deployment.tools.{tool}" in help_text


@pytest.mark.parametrize("tool", ["publish", "references"])
def test_the_commands_fail_with_one_sentence(tool: str) -> None:
    """No traceback: nobody is signed in; an id that is none."""
    host = ["--scm-host", "app.scm.azurewebsites.net"] if tool == "publish" else []
    nobody = run(tool, "--app-id", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app", *host)
    assert nobody.returncode == 1
    assert nobody.stderr.startswith("Signing in to Azure failed: ")
    assert len(nobody.stderr.splitlines()) == 1
    wrong = run(tool, "--app-id", "C:/Program Files/Git/subscriptions/s", *host)
    assert wrong.returncode == 2
    assert "MSYS_NO_PATHCONV" in wrong.stderr


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"deployment.tools.{tool}", *arguments]
    return subprocess.run(command, cwd=ROOT / "infra", env={"PATH": ""}, capture_output=True, text=True, check=False)
