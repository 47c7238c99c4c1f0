"""Signing in as Pulumi's provider does."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.identity
import pytest
from azure.core.exceptions import ClientAuthenticationError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .conftest import ROOT

sys.path.append(str(ROOT / "infra"))
from deployment.tools.rest import DeploymentError
from deployment.tools.sign_in import Token, _assertion, _credential, sign_in

WHO = {"ARM_TENANT_ID": "11111111-1111-1111-1111-111111111111", "ARM_CLIENT_ID": "c", "ARM_SUBSCRIPTION_ID": "s"}
SECRET = "s3cret-of-nobody"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, the key under a password."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "nobody")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    path = tmp_path_factory.mktemp("certificate") / "nobody.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(SECRET.encode()),
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(("given", "kind"), [
    ({}, azure.identity.AzureCliCredential),
    (WHO, azure.identity.AzureCliCredential),
    (WHO | {"ARM_CLIENT_SECRET": SECRET}, azure.identity.ClientSecretCredential),
    (WHO | {"ARM_CLIENT_SECRET": SECRET, "ARM_USE_OIDC": "true"}, azure.identity.ClientSecretCredential),
    (WHO | {"ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": SECRET}, azure.identity.ClientAssertionCredential),
    (WHO | {"ARM_USE_OIDC": "false", "ARM_OIDC_TOKEN": SECRET}, azure.identity.AzureCliCredential),
    (WHO | {"ARM_USE_MSI": "true"}, azure.identity.ManagedIdentityCredential),
    ({"ARM_USE_MSI": "true"}, azure.identity.ManagedIdentityCredential),
    ({"ARM_USE_DEFAULT_AZURE_CREDENTIAL": "true", "ARM_CLIENT_SECRET": SECRET}, azure.identity.DefaultAzureCredential),
])  # fmt: skip
def test_the_variables_name_who_signs_in(given: dict[str, str], kind: type) -> None:
    """In the order of pulumi-azure-native, so that both are the same person."""
    assert type(_credential(given)) is kind


def test_a_certificate_signs_in(certificate: Path) -> None:
    """With its password; it goes before a secret."""
    given = WHO | {"ARM_CLIENT_CERTIFICATE_PATH": str(certificate), "ARM_CLIENT_CERTIFICATE_PASSWORD": SECRET}
    assert type(_credential(given | {"ARM_CLIENT_SECRET": "x"})) is azure.identity.CertificateCredential


@pytest.mark.parametrize(("given", "said"), [
    ({"ARM_CLIENT_SECRET": SECRET}, "Set ARM_TENANT_ID and ARM_CLIENT_ID beside"),
    ({"ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": SECRET}, "Set ARM_TENANT_ID and ARM_CLIENT_ID beside"),
    (WHO | {"ARM_USE_OIDC": "true"}, "there is no token: in GitHub Actions, give the job 'permissions: id-token: write'"),
    (WHO | {"ARM_CLIENT_SECRET": SECRET, "ARM_TENANT_ID": "no tenant?"}, "The ARM_* variables do not fit"),
    (WHO | {"ARM_CLIENT_CERTIFICATE_PATH": "/no/such/file"}, "The ARM_* variables do not fit: .*no/such/file"),
    (WHO | {"ARM_CLIENT_CERTIFICATE_PATH": "{certificate}", "ARM_CLIENT_CERTIFICATE_PASSWORD": "wr0ng"}, "The ARM_* variables do not fit"),
])  # fmt: skip
def test_variables_that_do_not_fit_are_said(given: dict[str, str], said: str, certificate: Path) -> None:
    """What is missing, and no secret."""
    given = {name: value.replace("{certificate}", str(certificate)) for name, value in given.items()}
    with pytest.raises(DeploymentError, match=said.replace("*", r"\*").replace(r".\*", ".*")) as caught:
        sign_in(given)
    assert SECRET not in str(caught.value)
    assert "wr0ng" not in str(caught.value)


@pytest.fixture
def issuer() -> Iterator[SimpleNamespace]:
    """Gives OpenID Connect tokens, as GitHub does to a job."""
    seen = SimpleNamespace(asked=[], answer=(200, json.dumps({"value": SECRET})))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.asked.append((self.path, self.headers["Authorization"]))
            self.send_response(seen.answer[0])
            self.end_headers()
            self.wfile.write(seen.answer[1].encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        seen.url = f"http://127.0.0.1:{server.server_port}/token?api-version=2.0"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield seen
        server.shutdown()


@pytest.mark.parametrize("prefix", ["ARM_OIDC_REQUEST", "ACTIONS_ID_TOKEN_REQUEST"])
def test_a_token_of_a_job_is_asked_for(issuer: SimpleNamespace, prefix: str) -> None:
    """For Azure's audience, with the job's own token; each time, since it lives for minutes only."""
    assertion = _assertion({f"{prefix}_URL": issuer.url, f"{prefix}_TOKEN": "of the job"})
    assert assertion() == assertion() == SECRET
    assert (
        issuer.asked == [("/token?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange", "Bearer of the job")] * 2
    )


@pytest.mark.parametrize("answer", [(403, SECRET), (200, SECRET), (200, "{}"), (200, "[]"), (302, "")])
def test_a_token_of_a_job_that_cannot_be_had_is_said(issuer: SimpleNamespace, answer: tuple[int, str]) -> None:
    """Without what was asked with, and what was said."""
    issuer.answer = answer
    with pytest.raises(DeploymentError, match="OpenID Connect token could not be had") as caught:
        _assertion({"ARM_OIDC_REQUEST_URL": issuer.url, "ARM_OIDC_REQUEST_TOKEN": "0f-the-job"})()
    assert SECRET not in str(caught.value)
    assert "0f-the-job" not in str(caught.value)


def test_a_token_in_a_file_is_read_each_time(tmp_path: Path) -> None:
    """Whoever wrote it writes a new one before it expires."""
    path = tmp_path / "token"
    assertion = _assertion({"ARM_OIDC_TOKEN_FILE_PATH": str(path)})
    for token in ("first", "second"):
        path.write_text(f"{token}\n")
        assert assertion() == token


class Clock:
    """A credential whose tokens expire, and that fails where it has none."""

    def __init__(self, *lives: float) -> None:
        self.lives = list(lives)

    def get_token(self, *_: str, **__: Any) -> Any:
        if not self.lives:
            raise ClientAuthenticationError("AADSTS700024:\n  the client assertion is not within its valid time range")
        return SimpleNamespace(token=f"{len(self.lives)} left", expires_on=time.time() + self.lives.pop(0))


def test_a_token_is_kept_until_it_is_about_to_expire() -> None:
    """The Azure CLI takes a second for each; a deployment may outlast one."""
    token = Token(Clock(3600))
    assert token() == token()
    token = Token(Clock(60, 3600))
    assert token() != token()


def test_a_sign_in_that_fails_is_said() -> None:
    """In one line, with what the directory said."""
    with pytest.raises(
        DeploymentError, match=r"^Signing in to Azure failed: AADSTS700024: the client assertion is not.*range$"
    ):
        Token(Clock())()
