"""Publishes the package through the app's own publish endpoint, and checks that the app has its timers and keys then.

What the vendor's tools do, too: POST the zip, ask for the deployment until it ends, look at the functions. Then the
references to Key Vault are read again, until each is resolved. It signs in as Pulumi does: by the variables ARM_*, or
as the Azure CLI. `pulumi up` runs it; by hand, in infra/, with the Python of its virtual environment (on one line):

    python -m deployment.tools.publish --app-id /subscriptions/.../sites/<app>
        --scm-host <app>.scm.azurewebsites.net --pollers 1
"""

import re
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import requests

from deployment.tools import package
from deployment.tools.references import References, app_parser
from deployment.tools.rest import API_VERSION, MANAGEMENT, Azure, DeploymentError, NotYet, say
from deployment.tools.sign_in import sign_in

FAILED, SUCCEEDED = 3, 4
ENDS = {
    -1: "was cancelled",
    FAILED: "failed",
    SUCCEEDED: "",
    5: "was cancelled, because another one was under way",
    6: "succeeded only in part",
}
"""Status of a deployment -> what is wrong with that end. Any other status is not an end."""

RECYCLED = 3
"""So many times in a row unknown, after it was known: the worker that deployed is gone, as it is soon after the end."""

NO_RIGHT_YET = re.compile(r"(?is)(?=.*\b(?:storage|blob))(?=.*(?:\b403\b|forbidden|not authorized))")
"""Why a deployment of a new app fails at first: its identity's right on the storage account is still spreading."""

ROUNDS = 15
"""So often is a deployment made again that fails for want of that right: for ten minutes or more."""

AGAIN = "'pulumi up' publishes again."


@dataclass(frozen=True)
class Publisher:
    """Publishes to one app.

    Attributes:
        azure: how to ask, and how patiently.
        scm_url: of the app's publish endpoint.
        app_url: of the app in the management plane.
    """

    azure: Azure
    scm_url: str
    app_url: str

    def publish(self, zipped: bytes, timers: set[str]) -> int:
        """Publish, wait for the end, and check that the app lists these timers and has its keys; how many keys.

        Raises:
            DeploymentError: says what went wrong and what to do.
        """
        replace(self.azure, pause=6 * self.azure.pause, attempts=ROUNDS).until(
            lambda: self._deploy(zipped),
            "The app cannot put its package into its storage account",
            "Has its identity the role Storage Blob Data Owner there? With privateNetwork, is the account's private "
            f"endpoint there? {AGAIN}",
        )
        self.azure.until(
            lambda: self._has(timers),
            "The code is published, but the app does not list its timers",
            f"function_app.py may fail to import: look at the app's log stream. {AGAIN}",
        )
        return References(self.azure, self.app_url).resolve()

    def _deploy(self, zipped: bytes) -> None:
        deployment = self.azure.until(
            lambda: self._taken(zipped), "The publish endpoint does not take the package", AGAIN
        )
        say(f"the package is there; waiting for the deployment {deployment}")
        log_url = f"{self.scm_url}/api/deployments/{deployment}/log"
        status, reason = self.azure.until(
            _Deployment(self.azure, f"{self.scm_url}/api/deployments/{deployment}").end,
            "The deployment does not end",
            f"Look at the app's 'Deployment' page in the portal. {AGAIN}",
        )
        if status == SUCCEEDED:
            return
        reason = " ".join(f"{reason} {self._log(log_url)}".split())[-2000:]
        if status == FAILED and NO_RIGHT_YET.match(reason):
            raise NotYet(f"the deployment {ENDS[status]}: {reason}")
        raise DeploymentError(
            f"The deployment {ENDS[status]}: {reason or 'it does not say why'}. Read {log_url}. {AGAIN}"
        )

    def _taken(self, zipped: bytes) -> str:
        """The deployment's id."""
        answer = self.azure.request("POST", f"{self.scm_url}/api/publish?RemoteBuild=false", data=zipped)
        identifier = answer.text.strip().strip('"')
        if not re.fullmatch(r"[\w-]+", identifier):
            raise DeploymentError(
                "The publish endpoint took the package, but gave no id of a deployment "
                f"(HTTP {answer.status_code}: {identifier[:300]}). Is {self.scm_url} the app's? {AGAIN}"
            )
        return identifier

    def _log(self, url: str) -> str:
        """What the deployment's log says, or nothing where it cannot be had."""
        try:
            entries = self.azure.request("GET", url).json()
            return "; ".join(str(entry["message"]) for entry in entries)
        except (requests.RequestException, KeyError, TypeError):
            return ""

    def _has(self, timers: set[str]) -> None:
        listed = self.azure.listed(f"{self.app_url}/functions?api-version={API_VERSION}")
        missing = timers - {str(function.get("name")).rpartition("/")[2] for function in listed}
        if missing:
            raise NotYet(f"{', '.join(sorted(missing))} missing")


class _Deployment:
    """One deployment, asked until it ends."""

    def __init__(self, azure: Azure, url: str) -> None:
        self._azure, self._url = azure, url
        self._known, self._unknown_in_a_row = False, 0

    def end(self) -> tuple[int, str]:
        """The status at its end, and its text.

        Raises:
            NotYet: it goes on.
            requests.RequestException: no answer can be had.
        """
        try:
            document = self._azure.document(self._url)
        except requests.HTTPError as error:
            if error.response.status_code != 404:
                raise
            if not self._known:
                raise NotYet("the deployment is not known yet") from None
            self._unknown_in_a_row += 1
            if self._unknown_in_a_row < RECYCLED:
                raise NotYet("the deployment is not known any more") from None
            say("the deployment is not known any more, as soon after its end; going on")
            return SUCCEEDED, ""
        status = document.get("status")
        self._known, self._unknown_in_a_row = True, 0
        if status not in ENDS:
            raise NotYet(f"the deployment goes on, with status {status}")
        return status, str(document.get("status_text") or "")


def timers_of(pollers: int) -> set[str]:
    """The names of the app's timer functions."""
    return {"poll"} | {f"poll_{number}" for number in range(2, pollers + 1)}


def main() -> None:
    """Build and publish."""
    parser = app_parser("deployment.tools.publish", __doc__)
    parser.add_argument("--scm-host", required=True, help="host name of its publish endpoint")
    parser.add_argument("--pollers", type=int, default=1, help="how many timers it must have (default: 1)")
    options = parser.parse_args()
    try:
        publisher = Publisher(Azure(sign_in()), f"https://{options.scm_host}", MANAGEMENT + options.app_id)
        with tempfile.TemporaryDirectory() as folder:
            zipped = Path(folder) / "app.zip"
            say("building the package")
            digest = package.build(zipped)
            say(f"publishing {zipped.stat().st_size / 1e6:.1f} MB")
            keys = publisher.publish(zipped.read_bytes(), timers_of(options.pollers))
    except (DeploymentError, package.PackageError) as error:
        sys.exit(str(error))
    # The alert for no run reads the time: before it, there was no code to run.
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    print(f"Published {digest} at {time}; the app lists its timers; master keys resolved: {keys}.")


if __name__ == "__main__":
    main()
