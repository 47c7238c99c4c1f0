"""Requests to Azure, made again while Azure is not ready for them."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

MANAGEMENT = "https://management.azure.com"
API_VERSION = "2024-11-01"
"""Of Microsoft.Web, for the lists of functions and of references to Key Vault, and for their refresh."""

PASSING = {403, 404, 408, 409, 429}
"""With every 5xx, the answers that pass: rights spread, a new name becomes known, another deployment ends."""

STARTING = "from host runtime"
"""In a 400 of the list of functions: the Functions host behind it is not up yet (vscode-azurefunctions 2245)."""

ADVICE = {
    401: "Sign in again, to the tenant of the subscription: az login --tenant <tenant>.",
    403: "Your account needs the role Website Contributor on the app (Contributor and Owner include it).",
    404: "Is the app still there? Look at it in the portal.",
    409: "Another deployment or a change of the app is under way: wait until it has ended.",
}
REPEATED_EVERY = 12
"""A line says again that it still waits after so many attempts (a minute), where nothing else changed."""


class DeploymentError(Exception):
    """It did not succeed; the text says what to do."""


class NotYet(Exception):
    """Azure has not come so far; the text says how far it is."""


@dataclass(frozen=True)
class Azure:
    """Azure, asked with a token.

    Attributes:
        token: gives a token of the management plane.
        pause: seconds between two attempts.
        attempts: how often a step is tried.
    """

    token: Callable[[], str]
    pause: float = 5
    attempts: int = 180

    def until[T](self, attempt: Callable[[], T], trouble: str, advice: str) -> T:
        """What the attempt gives, once it ends well.

        Args:
            attempt: raises `NotYet`, or what `requests` raises, where it is to be made again.
            trouble: what is wrong where it never ends well, as the beginning of a sentence.
            advice: what to do then.

        Raises:
            DeploymentError: Azure refused it, or is still not ready after the last attempt.
        """
        said = ""
        for left in reversed(range(self.attempts)):
            before, code, refused = said, 0, False
            try:
                return attempt()
            except NotYet as error:
                said = str(error)
            except requests.HTTPError as error:
                said, code = _answer(error.response), error.response.status_code
                refused = not _passes(error.response)
            except requests.RequestException as error:
                said = _kind(error)
            if refused or not left:
                break
            if said != before or left % REPEATED_EVERY == 0:
                say(f"{said}; trying again every {self.pause:g} s, {left} times at most")
            time.sleep(self.pause)
        raise DeploymentError(" ".join(filter(None, [f"{trouble} ({said}).", ADVICE.get(code, ""), advice])))

    def request(self, method: str, url: str, data: bytes | None = None) -> requests.Response:
        """The answer to one request.

        Raises:
            requests.RequestException: there is none, or its status is not 2xx.
        """
        headers = {"Authorization": f"Bearer {self.token()}"} | ({"Content-Type": "application/zip"} if data else {})
        # A redirect would take the token elsewhere.
        response = requests.request(method, url, headers=headers, data=data, timeout=120, allow_redirects=False)
        if not 200 <= response.status_code < 300:
            raise requests.HTTPError(response=response)
        return response

    def document(self, url: str) -> dict[str, Any]:
        """The JSON object at this address.

        Raises:
            NotYet: what is there is something else.
            requests.RequestException: as `request`.
        """
        try:
            document = self.request("GET", url).json()
        except requests.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            raise NotYet("an answer without a JSON object")
        return document

    def listed(self, url: str) -> list[dict[str, Any]]:
        """All that is in a list of the management plane, page by page.

        Raises:
            NotYet: the list goes on at another host, which gets no token.
            requests.RequestException: as `request`.
        """
        found: list[dict[str, Any]] = []
        page: str | None = url
        while page:
            if urlsplit(page)[:2] != urlsplit(url)[:2]:
                raise NotYet(f"a list that goes on at another host, {urlsplit(page).hostname}")
            document = self.document(page)
            found += document.get("value") or []
            page = document.get("nextLink")
        return found


def say(text: str) -> None:
    """A line about the progress, at once; on standard error, since what was published is the stack's output."""
    print(f"  {text}", file=sys.stderr, flush=True)


def _passes(response: requests.Response) -> bool:
    code = response.status_code
    return code >= 500 or code in PASSING or (code == 400 and STARTING in response.text)


def _answer(response: requests.Response) -> str:
    text = " ".join(response.text.split())[:300]
    return f"HTTP {response.status_code}: {text}" if text else f"HTTP {response.status_code}"


def _kind(error: requests.RequestException) -> str:
    """The kind of trouble, such as NameResolutionError, without the address and what is sent there."""
    inner: BaseException = error
    while found := next(
        (arg for arg in (getattr(inner, "reason", None), *inner.args) if isinstance(arg, Exception)), None
    ):
        inner = found
    return type(inner).__name__
