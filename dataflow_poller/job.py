"""Message text -> DataflowJob, or InvalidMessage with the reason and the text to keep. Pure."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from .key_marks import carries_key
from .master_keys import KEY_NAME, MasterKeys
from .poison_text import without_keys
from .urls import job_id_of

_HEXADECIMAL_ID = re.compile(r"[0-9A-Fa-f]{32}")
_JOB_ID = re.compile(r"[ -~]{1,128}")
_URL = re.compile(r"(?i)https?://")

Pairs = list[tuple[str, Any]]
"""The properties of a JSON object in order, doubled ones included."""

_NAMES = {name.lower(): name for name in ("jobId", "statusUrl", "masterKeyName", "output", "rejections")}
_SHORT_NAME = re.compile(r"[A-Za-z0-9_-]{1,24}")

_CARRIES_KEY = "it carries a master key: send it without the key, and name one with masterKeyName"
_HIDDEN = "; what may be a master key in it is replaced by ***"


@dataclass(frozen=True)
class DataflowJob:
    """A job to watch, as a message names it.

    Attributes:
        job_id: 1 to 128 printable ASCII characters, decoded; in lower case where it is 32 hexadecimal digits.
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
        return base64.b64encode(text.encode()).decode() if self.encoded else text


@dataclass(frozen=True)
class InvalidMessage:
    """Not a job.

    Attributes:
        reason: what is wrong with it, and what to do; printable ASCII, without a master key.
        text: the message's text with every master key replaced by ``***``.
        cut: whether the end of the text is missing, since it is longer than a message may be.
    """

    reason: str
    text: str
    cut: bool


class _Invalid(ValueError):
    """Says why a message is not a job."""


def parse(text: str, bing_maps_url: str, keys: MasterKeys) -> DataflowJob | InvalidMessage:
    """Read a message. Raises nothing, whatever the text, and takes time in proportion to it.

    Args:
        text: the message as it is in the queue, plain or base64.
        bing_maps_url: the endpoint; a status URL must be on its host or on the public one.
        keys: a message that holds one of these is refused.
    """
    content = None if _looks_plain(text) else _base64(text)
    try:
        plain = text if content is None else _utf_8(content)
        pairs = _read(plain, "it" if content is None else "what its base64 holds")
        if keys.found_in(plain) or carries_key(plain):
            raise _Invalid(_CARRIES_KEY)
        return _job(_by_name(pairs), bing_maps_url, content is not None)
    except _Invalid as error:
        reason = str(error)
    kept, cut = without_keys(text, content, keys)
    if kept != text and reason != _CARRIES_KEY:
        reason += _HIDDEN
    return InvalidMessage(reason, kept, cut)


def _looks_plain(text: str) -> bool:
    plain = text.strip()
    return plain.startswith("{") or bool(_HEXADECIMAL_ID.fullmatch(plain) or _URL.match(plain))


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _utf_8(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise _Invalid("what its base64 holds is not text in UTF-8 (UTF-16, perhaps): encode it in UTF-8 before base64")
    return text


def _read(plain: str, subject: str) -> Pairs:
    """The properties of a JSON object, or of what a bare id or URL stands for."""
    text = plain.strip()
    if text.startswith("{"):
        return _read_json(plain)
    if _HEXADECIMAL_ID.fullmatch(text):
        return [("jobId", text)]
    if _URL.match(text):
        return [("statusUrl", text)]
    if text.startswith("\ufeff"):
        raise _Invalid(f"{subject} begins with a byte-order mark: leave that out")
    or_base64 = ", nor base64 of one" if subject == "it" else ""
    raise _Invalid(f"{subject} is neither a JSON object, a job id of 32 hexadecimal digits nor a status URL{or_base64}")


def _read_json(plain: str) -> Pairs:
    begin = len(plain) - len(plain.lstrip())
    pairs: Pairs
    try:
        pairs, end = _DECODER.raw_decode(plain, begin)
        if rest := plain[end:].lstrip():
            raise json.JSONDecodeError("Extra data", plain, len(plain) - len(rest))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise _Invalid(f"it is not sound JSON: {error.msg.removesuffix(' at')}: {where}") from None
    except RecursionError:
        raise _Invalid("it is JSON that is nested too deep") from None
    except ValueError:
        raise _Invalid("it is not sound JSON: a number in it is too long, or is none of JSON (NaN, Infinity)") from None
    return pairs


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_constant=_refuse)


def _by_name(pairs: Pairs) -> dict[str, Any]:
    """The properties by name, each known and there once."""
    properties: dict[str, Any] = {}
    for name, value in pairs:
        known = _NAMES.get(name.lower())
        if known is None:
            shown = f" {name}" if _SHORT_NAME.fullmatch(name) else ""  # A longer one may be a key.
            raise _Invalid(f"it has an unknown property{shown}: expected jobId or statusUrl, masterKeyName, output")
        if known in properties:
            raise _Invalid(f"it has the property {known} twice")
        properties[known] = value
    return properties


def _job(properties: dict[str, Any], bing_maps_url: str, encoded: bool) -> DataflowJob:
    job_id = _job_id(properties, bing_maps_url)
    key_name = _string(properties, "masterKeyName", "default")
    if not KEY_NAME.fullmatch(key_name):
        raise _Invalid("masterKeyName is not 1 to 32 letters, digits and underscores")
    output = _string(properties, "output", "json").lower()
    if output not in ("json", "xml"):
        raise _Invalid("output is neither json nor xml")
    rejections = properties.get("rejections", 0)
    if not isinstance(rejections, int) or isinstance(rejections, bool) or rejections < 0:
        raise _Invalid("rejections is not a whole number of 0 or more")
    return DataflowJob(job_id, key_name.lower(), output, rejections, encoded)


def _string(properties: dict[str, Any], name: str, default: str = "") -> str:
    value = properties.get(name, default)
    if not isinstance(value, str):
        raise _Invalid(f"{name} is not a string")
    return value


def _job_id(properties: dict[str, Any], bing_maps_url: str) -> str:
    if ("jobId" in properties) == ("statusUrl" in properties):
        raise _Invalid("it has not exactly one of jobId and statusUrl")
    if "jobId" in properties:
        job_id = _string(properties, "jobId")
    else:
        try:
            job_id = job_id_of(_string(properties, "statusUrl").strip(), bing_maps_url)
        except ValueError as error:
            raise _Invalid(str(error)) from None
    job_id = job_id.strip()
    if not _JOB_ID.fullmatch(job_id) or job_id in (".", ".."):
        raise _Invalid("the job id is not 1 to 128 printable ASCII characters other than . and ..")
    return job_id.lower() if _HEXADECIMAL_ID.fullmatch(job_id) else job_id
