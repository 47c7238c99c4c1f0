"""Publishes the package through the app's own publish endpoint, and checks that the app has its timers then.

What the vendor's tools do, too: POST the zip, ask for the deployment until it ends, look at the functions. It signs
in as whoever runs it (Azure CLI, or what else azure-identity finds). `pulumi up` runs it; by hand:

    python -m deployment.tools.publish --app-id /subscriptions/.../sites/<app> --scm-host <app>.scm...net --pollers 1
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from deployment.tools import package

MANAGEMENT = "https://management.azure.com"
API_VERSION = "2024-04-01"
RETRIED = {403, 408, 429, 500, 502, 503, 504}
"""Answers that pass: rights take minutes to spread, and a new app takes its time to start."""

DEPLOYMENT_ENDS = {3: "failed", 4: "", 5: "conflicted with another one that was under way", 6: "succeeded only in part"}
"""Status of a deployment -> what is wrong with that end. Any other status is not an end."""


class PublishError(Exception):
    """Publishing did not succeed; says what to do."""


@dataclass(frozen=True)
class Publisher:
    """Publishes to one app.

    Attributes:
        scm_url: of the app's publish endpoint.
        functions_url: where Azure lists the app's functions.
        token: gives a token of the management plane.
        patience: seconds for each of the steps.
        pause: seconds between two attempts.
    """

    scm_url: str
    functions_url: str
    token: Callable[[], str]
    patience: float = 600
    pause: float = 10

    def publish(self, zipped: bytes, timers: set[str]) -> None:
        """Publish, wait for the end, and check that the app lists these timers.

        Raises:
            PublishError: says what went wrong and what to do.
        """
        started = self._until(
            lambda: self._request("POST", f"{self.scm_url}/api/publish?RemoteBuild=false", data=zipped),
            "The publish endpoint does not take the package",
            "If it is 403, your account needs the role Website Contributor on the app; then run 'pulumi up' again.",
        )
        deployment = started.text.strip().strip('"')
        status = self._until(
            lambda: self._ended(deployment),
            "The deployment does not end",
            "Look at the app's 'Deployment' page in the portal; then run 'pulumi up' again.",
        )
        if trouble := DEPLOYMENT_ENDS[status]:
            log = f"{self.scm_url}/api/deployments/{deployment}/log"
            raise PublishError(f"The deployment {trouble}. Read {log}, then run 'pulumi up' again.")
        self._until(
            lambda: self._has(timers),
            f"The code is published, but the app does not list {', '.join(sorted(timers))}",
            "function_app.py may fail to import: look at the app's log stream.",
        )

    def _until[T](self, attempt: Callable[[], T | None], trouble: str, advice: str) -> T:
        """What the attempt gives, once it gives something."""
        end = time.monotonic() + self.patience
        said = "no answer"
        while time.monotonic() < end:
            try:
                outcome = attempt()
                if outcome is not None:
                    return outcome
                said = "not yet"
            except requests.HTTPError as error:
                said = f"HTTP {error.response.status_code}: {error.response.text[:300].strip()}"
                if error.response.status_code not in RETRIED:
                    break
            except requests.RequestException as error:
                said = type(error).__name__
            print(f"  {said}; trying again for {end - time.monotonic():.0f} s", flush=True)
            time.sleep(self.pause)
        raise PublishError(f"{trouble} ({said}). {advice}")

    def _request(self, method: str, url: str, data: bytes | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token()}"} | ({"Content-Type": "application/zip"} if data else {})
        response = requests.request(method, url, headers=headers, data=data, timeout=120, allow_redirects=False)
        response.raise_for_status()
        return response

    def _ended(self, deployment: str) -> int | None:
        status = self._json(f"{self.scm_url}/api/deployments/{deployment}").get("status")
        return status if status in DEPLOYMENT_ENDS else None

    def _has(self, timers: set[str]) -> bool | None:
        listed = self._json(self.functions_url).get("value", [])
        names = {function.get("name", "").rpartition("/")[2] for function in listed}
        return True if timers <= names else None

    def _json(self, url: str) -> dict[str, Any]:
        try:
            document: dict[str, Any] = self._request("GET", url).json()
        except requests.JSONDecodeError:
            return {}
        return document


def timers_of(pollers: int) -> set[str]:
    """The names of the app's timer functions."""
    return {"poll"} | {f"poll_{number}" for number in range(2, pollers + 1)}


def main() -> None:
    """Build and publish."""
    parser = argparse.ArgumentParser(
        prog="python -m deployment.tools.publish",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--app-id", required=True, help="resource id of the function app")
    parser.add_argument("--scm-host", required=True, help="host name of its publish endpoint")
    parser.add_argument("--pollers", type=int, default=1, help="how many timers it must have (default: 1)")
    options = parser.parse_args()

    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - not needed for --help, and slow

    credential = DefaultAzureCredential()
    publisher = Publisher(
        scm_url=f"https://{options.scm_host}",
        functions_url=f"{MANAGEMENT}{options.app_id}/functions?api-version={API_VERSION}",
        token=lambda: credential.get_token(f"{MANAGEMENT}/.default").token,
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            zipped = Path(folder) / "app.zip"
            print("Building the package ...", flush=True)
            digest = package.build(zipped)
            print(f"Publishing {zipped.stat().st_size / 1e6:.1f} MB ...", flush=True)
            publisher.publish(zipped.read_bytes(), timers_of(options.pollers))
    except (PublishError, RuntimeError) as error:
        sys.exit(str(error))
    print(f"Published {digest}; the app lists its timers.")


if __name__ == "__main__":
    main()
