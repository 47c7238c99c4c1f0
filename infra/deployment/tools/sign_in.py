"""Signs in to Azure as Pulumi's provider does: by the same environment variables, in the same order."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import requests
from azure.core.credentials import TokenCredential

from deployment.tools.rest import MANAGEMENT, DeploymentError

AUDIENCE = "api://AzureADTokenExchange"


class Token:
    """Gives a token of the management plane; asks for a new one before it expires."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._token, self._until = "", 0.0

    def __call__(self) -> str:
        """The token.

        Raises:
            DeploymentError: signing in failed; says why.
        """
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - not needed for --help

        if time.time() > self._until - 300:
            try:
                given = self._credential.get_token(f"{MANAGEMENT}/.default")
            except AzureError as error:
                reason = " ".join(str(error).split())[:500]
                raise DeploymentError(f"Signing in to Azure failed: {reason}") from None
            self._token, self._until = given.token, given.expires_on
        return self._token


def sign_in(environ: Mapping[str, str] = os.environ) -> Token:
    """A token of whoever these variables name; where they name nobody, of the Azure CLI.

    The first one is asked for at once, so that trouble is said before anything is built.

    Raises:
        DeploymentError: they do not fit together, or signing in failed; says why.
    """
    try:
        token = Token(_credential(environ))
        token()
        return token
    except (OSError, ValueError) as error:
        raise DeploymentError(f"The ARM_* variables do not fit: {error}") from None


def _credential(environ: Mapping[str, str]) -> TokenCredential:
    """As pulumi-azure-native chooses it (its auth_azidentity.go)."""
    import azure.identity as az  # noqa: PLC0415 - not needed for --help, and slow

    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)  # What it says is in our error.
    tenant, client = environ.get("ARM_TENANT_ID") or None, environ.get("ARM_CLIENT_ID") or None
    if environ.get("ARM_USE_DEFAULT_AZURE_CREDENTIAL") == "true":
        return az.DefaultAzureCredential()
    if path := environ.get("ARM_CLIENT_CERTIFICATE_PATH"):
        password = environ.get("ARM_CLIENT_CERTIFICATE_PASSWORD") or None
        return az.CertificateCredential(*_both(tenant, client), path, password=password)
    if secret := environ.get("ARM_CLIENT_SECRET"):
        return az.ClientSecretCredential(*_both(tenant, client), secret)
    if environ.get("ARM_USE_OIDC") == "true":
        return az.ClientAssertionCredential(*_both(tenant, client), _assertion(environ))
    if environ.get("ARM_USE_MSI") == "true":
        return az.ManagedIdentityCredential(client_id=client)
    subscription = environ.get("ARM_SUBSCRIPTION_ID") or None
    # It starts a program in Python, which takes a while on a machine that is busy deploying.
    return az.AzureCliCredential(tenant_id=tenant or "", subscription=subscription, process_timeout=60)


def _both(tenant: str | None, client: str | None) -> tuple[str, str]:
    if not tenant or not client:
        raise DeploymentError("Set ARM_TENANT_ID and ARM_CLIENT_ID beside the other ARM_* variables.")
    return tenant, client


def _assertion(environ: Mapping[str, str]) -> Callable[[], str]:
    """What gives the OpenID Connect token: it is given, lies in a file, or is asked for (GitHub Actions)."""
    if token := environ.get("ARM_OIDC_TOKEN"):
        return lambda: token
    if path := environ.get("ARM_OIDC_TOKEN_FILE_PATH"):
        return lambda: Path(path).read_text("utf-8").strip()
    for prefix in ("ARM_OIDC_REQUEST", "ACTIONS_ID_TOKEN_REQUEST"):
        url, bearer = environ.get(f"{prefix}_URL"), environ.get(f"{prefix}_TOKEN")
        if url and bearer:
            return partial(_requested, url, bearer, environ.get("ARM_OIDC_AUDIENCE") or AUDIENCE)
    raise DeploymentError(
        "ARM_USE_OIDC is true, but there is no token: in GitHub Actions, give the job 'permissions: id-token: write'; "
        "elsewhere set ARM_OIDC_TOKEN or ARM_OIDC_TOKEN_FILE_PATH."
    )


def _requested(url: str, token: str, audience: str) -> str:
    try:
        headers = {"Authorization": f"Bearer {token}"}
        response = requests.get(url, {"audience": audience}, headers=headers, timeout=60, allow_redirects=False)
        response.raise_for_status()
        return str(response.json()["value"])
    except (requests.RequestException, KeyError, TypeError) as error:
        raise DeploymentError(f"The OpenID Connect token could not be had ({type(error).__name__}).") from None
