"""Connection strings of Azure Storage. Pure.

A list of `name=value` with `;` between them, names without case ("Configure Azure Storage connection strings",
Microsoft Learn). The two SDKs read it, each in its own way, and the one of tables bears nothing more than that:
what is checked here is what both need, so that neither fails with a text of its own.
"""

import base64
import re
from urllib.parse import parse_qsl

from .pasted import trimmed
from .urls import split_url

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9-]{1,63}")
_SIGNATURE = re.compile("[!-~]+")
_SIGNED = {"sv", "ss", "srt", "sp", "st", "se", "sip", "spr", "ses", "si", "sig"}
"""Parameters of an account's shared access signature ("Create an account SAS", Microsoft Learn). The queue SDK takes a
text with any other one for an account key."""
_DEVELOPMENT = "UseDevelopmentStorage=true"


def connection_string(text: str) -> str:
    """The connection string that was meant: blanks and line breaks around ``;`` and ``=`` are left out.

    Raises:
        ValueError: it cannot be one; says why, and shows nothing of it.
    """
    pairs = [pair for part in text.split(";") if (pair := "=".join(map(trimmed, part.split("="))))]
    values: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not (name and value):
            raise ValueError("expected name=value between semicolons, as in a storage account's connection string")
        if name.lower() in values:
            raise ValueError("a name stands in it twice")
        values[name.lower()] = value
    if "usedevelopmentstorage" in values:
        if len(values) > 1 or values["usedevelopmentstorage"].lower() != "true":
            raise ValueError(f"expected {_DEVELOPMENT} alone, or another connection string")
        return _DEVELOPMENT
    _check(values)
    return ";".join(pairs)


def _check(values: dict[str, str]) -> None:
    name = values.get("accountname")
    if name is None and not {"queueendpoint", "tableendpoint"} <= values.keys():
        raise ValueError("expected AccountName, or QueueEndpoint and TableEndpoint")
    if name is not None and not _ACCOUNT_NAME.fullmatch(name):
        raise ValueError("its AccountName is no name of a storage account")
    for service in ("queue", "table"):
        if split_url(_endpoint(values, service)) is None or re.search("[?#]", _endpoint(values, service)):
            raise ValueError(f"its {service.title()}Endpoint, or what it is made of, is no http or https URL")
    if name is not None and "accountkey" in values:
        try:
            base64.b64decode(values["accountkey"], validate=True)
        except ValueError:
            raise ValueError("the account key is not base64: copy the whole connection string again") from None
    elif not _is_signature(values.get("sharedaccesssignature", "")):
        raise ValueError("expected AccountName and AccountKey, or the SharedAccessSignature of an account")


def _is_signature(text: str) -> bool:
    names = {name for name, _ in parse_qsl(text.removeprefix("?"), keep_blank_values=True)}
    return "sig" in names and names <= _SIGNED and _SIGNATURE.fullmatch(text) is not None


def _endpoint(values: dict[str, str], service: str) -> str:
    """Where the SDKs will look for a service; something that is no URL where they would not know."""
    if given := values.get(f"{service}endpoint"):
        return given
    if f"{service}secondaryendpoint" in values or "accountname" not in values:
        return ""
    protocol, suffix = values.get("defaultendpointsprotocol"), values.get("endpointsuffix", "core.windows.net")
    return f"{protocol or 'https'}://{values['accountname']}.{service}.{suffix}"
