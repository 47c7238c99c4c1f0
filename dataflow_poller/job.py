"""Message text -> DataflowJob, or InvalidMessage with the reason and the text to keep. Pure."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from .master_keys import MASK, MasterKeys
from .urls import job_id_of, query_has_key

_BARE_ID = re.compile(r"[0-9A-Fa-f]{32}")
_JOB_ID = re.compile(r"[ -~]{1,128}")
_URL = re.compile(r"(?i)https?://")
_MASTER_KEY_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")

# "key" as a query parameter or a property, however it is escaped, up to where its value begins.
_NAME = "".join(
    rf"(?:{letter}|%{ord(letter):x}|%{ord(letter) - 32:x}|\\u00(?:{ord(letter):x}|{ord(letter) - 32:x}))"
    for letter in "key"
)
_KEY_MARK = re.compile(
    rf"(?i)(?:^|[\"'{{,\s?&#;]|%(?:25)*(?:26|3f)|\\u00(?:26|3f)){_NAME}"
    r"(?:(?P<parameter>=|%(?:25)*3d|\\u003d)|[\"']?\s*:\s*)"
)
_PARAMETER_VALUE = re.compile(r"(?:\\.|[^&#\s\"\\])*", re.DOTALL)
_LOOSE_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"?|[{\[].*|[^,}\]\s]*', re.DOTALL)


@dataclass(frozen=True)
class DataflowJob:
    """A job to watch, as a message names it.

    Attributes:
        job_id: 1 to 128 printable ASCII characters, decoded.
        master_key_name: lower case.
        output: `json` or `xml`, the format to ask for.
        rejections: polls in a row so far that ended with 400 or 404.
        encoded: whether the message was base64.
    """

    job_id: str
    master_key_name: str = "default"
    output: str = "json"
    rejections: int = 0
    encoded: bool = False

    def message(self, rejections: int) -> str:
        """The message with another count of rejections, in base64 where the sender's was."""
        properties = {"jobId": self.job_id, "masterKeyName": self.master_key_name, "output": self.output}
        text = json.dumps(properties | ({"rejections": rejections} if rejections else {}))
        return _encode(text) if self.encoded else text


@dataclass(frozen=True)
class InvalidMessage:
    """Not a job: why, and the message's text. Every master key in either is masked."""

    reason: str
    text: str
    cut: bool = False


class _Invalid(ValueError):
    """Says why a message is not a job."""


class _Pairs(list[tuple[str, Any]]):
    """The properties of a JSON object in order, doubled ones included."""


def parse(text: str, bing_maps_url: str, keys: MasterKeys) -> DataflowJob | InvalidMessage:
    """Read a message.

    Args:
        text: the message as it is in the queue, plain or base64.
        bing_maps_url: the endpoint; a status URL must be on its host or on the public one.
        keys: a message that holds one of these is refused.
    """
    encoded = False
    plain = text
    try:
        if not _looks_plain(text):
            plain, encoded = _decode(text), True
        if keys.found_in(plain):
            raise _Invalid("it carries a master key: name one with masterKeyName instead")
        return _read(plain.strip(), bing_maps_url, encoded)
    except _Invalid as error:
        reason = keys.mask(str(error))
    masked = _mask(plain, keys)
    if masked == plain:
        return InvalidMessage(reason, text)
    return InvalidMessage(reason, _encode(masked) if encoded else masked)


def _looks_plain(text: str) -> bool:
    plain = text.strip()
    return plain.startswith("{") or bool(_BARE_ID.fullmatch(plain) or _URL.match(plain))


def _decode(text: str) -> str:
    """What is in a base64 message; bytes that are not UTF-8 become unpaired surrogates."""
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content:
        raise _Invalid("it is neither a JSON object, a job id, a status URL nor base64 of one")
    return content.decode("utf-8", "surrogateescape")


def _encode(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def _read(plain: str, bing_maps_url: str, encoded: bool) -> DataflowJob:
    if plain.startswith("{"):
        properties = _properties(plain)
    elif _BARE_ID.fullmatch(plain):
        properties = {"jobid": plain}
    elif _URL.match(plain):
        properties = {"statusurl": plain}
    else:
        raise _Invalid("what its base64 holds is neither a JSON object, a job id nor a status URL, in UTF-8")
    if ("jobid" in properties) == ("statusurl" in properties):
        raise _Invalid("it has not exactly one of jobId and statusUrl")
    if "statusurl" in properties:
        job_id = _job_id_of(_string(properties, "statusurl", "statusUrl"), bing_maps_url)
    else:
        job_id = _string(properties, "jobid", "jobId")
    if not _JOB_ID.fullmatch(job_id) or job_id in (".", ".."):
        raise _Invalid("the job id is not 1 to 128 printable ASCII characters other than . and ..")
    name = _string(properties, "masterkeyname", "masterKeyName", "default")
    if not _MASTER_KEY_NAME.fullmatch(name):
        raise _Invalid("masterKeyName is not 1 to 64 letters, digits and underscores")
    output = _string(properties, "output", "output", "json").lower()
    if output not in ("json", "xml"):
        raise _Invalid("output is neither json nor xml")
    rejections = properties.get("rejections", 0)
    if not isinstance(rejections, int) or isinstance(rejections, bool) or rejections < 0:
        raise _Invalid("rejections is not a whole number of 0 or more")
    return DataflowJob(job_id, name.lower(), output, rejections, encoded)


def _properties(plain: str) -> dict[str, Any]:
    """The object's properties by lower-case name, each known and there once."""
    try:
        pairs = json.loads(plain, object_pairs_hook=_Pairs, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _Invalid("it is not sound JSON") from None
    if _has_key_property(pairs):
        raise _Invalid("it carries a master key: name one with masterKeyName instead")
    properties: dict[str, Any] = {}
    for name, value in pairs:
        if name.lower() not in ("jobid", "statusurl", "masterkeyname", "output", "rejections"):
            raise _Invalid(f"unknown property {name[:80]!a}: expected jobId or statusUrl, masterKeyName, output")
        if name.lower() in properties:
            raise _Invalid(f"doubled property {name!a}")
        properties[name.lower()] = value
    return properties


def _has_key_property(value: object) -> bool:
    remaining = [value]
    while remaining:
        value = remaining.pop()
        if isinstance(value, _Pairs):
            if any(name.lower() == "key" for name, _ in value):
                return True
            remaining.extend(item for _, item in value)
        elif isinstance(value, list):
            remaining.extend(value)
    return False


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _string(properties: dict[str, Any], name: str, shown: str, default: str = "") -> str:
    value = properties.get(name, default)
    if not isinstance(value, str):
        raise _Invalid(f"{shown} is not a string")
    return value


def _job_id_of(status_url: str, bing_maps_url: str) -> str:
    if query_has_key(status_url):
        raise _Invalid("its URL carries a master key: leave the key out, name one with masterKeyName instead")
    try:
        return job_id_of(status_url, bing_maps_url)
    except ValueError as error:
        raise _Invalid(str(error)) from None


def _mask(plain: str, keys: MasterKeys) -> str:
    """The text with configured keys, values of `key` parameters and of `key` properties replaced by ``***``."""
    text = keys.mask(plain)
    sound = _is_json(text)
    pieces, at = [], 0
    for mark in _KEY_MARK.finditer(text):
        if mark.start() >= at:
            pieces += [text[at : mark.end()], MASK if mark["parameter"] else f'"{MASK}"']
            at = _end_of_value(text, mark, sound)
    return "".join(pieces) + text[at:]


def _end_of_value(text: str, mark: re.Match[str], sound: bool) -> int:
    if sound and not mark["parameter"]:
        try:
            return json.JSONDecoder().raw_decode(text, mark.end())[1]
        except (ValueError, RecursionError):
            pass  # The mark is within a string.
    value = (_PARAMETER_VALUE if mark["parameter"] else _LOOSE_VALUE).match(text, mark.end())
    return value.end() if value else mark.end()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
