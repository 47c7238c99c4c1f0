"""`local.settings.json`: app settings on a developer's machine, read as Azure Functions Core Tools read them.

Core Tools read it with Newtonsoft.Json, which takes a byte-order mark, comments, commas behind the last element, and
numbers and booleans among the `Values` (`AppSettingsFile.cs` of github.com/Azure/azure-functions-core-tools).
"""

import codecs
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .app_settings import JOB_STORAGE
from .errors import SettingsFileError

_EXPECTED = '{"Values": {"SETTING": "value"}}'
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])', re.DOTALL)


def local_settings(path: Path) -> dict[str, str]:
    """The app settings in a file, all of them as texts.

    Raises:
        SettingsFileError: it cannot be read or is no such file; names it, says what to do, and shows no value.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsFileError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return {name: _as_text(name, value) for name, value in _values(content).items() if value is not None}
    except _NoSettingsError as error:
        raise SettingsFileError(f"{path}: {error}") from None


def under_environment(values: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """What of a file's settings counts beside an environment, which goes before it.

    `JobStorage` and its parts are one setting: where the environment has one of them, the file's do not count.
    """
    taken = {_whole(name) for name in env}
    return {name: value for name, value in values.items() if _whole(name) not in taken}


def _whole(name: str) -> str:
    return JOB_STORAGE.name if name.startswith(f"{JOB_STORAGE.name}__") else name


class _NoSettingsError(Exception):
    """What is wrong with a file's content."""


def _values(content: bytes) -> dict[str, Any]:
    """What is under `Values`; a number is the text that it was."""
    try:
        plain = _LAST_COMMA.sub(_blanked, _COMMENT.sub(_blanked, _text(content)))
        settings = json.loads(plain, parse_int=str, parse_float=str, parse_constant=str, strict=False)
    except UnicodeDecodeError:
        raise _NoSettingsError("it is no text in UTF-8: save it as that") from None
    except json.JSONDecodeError as error:
        raise _NoSettingsError(f"it is no JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise _NoSettingsError("it is nested too deep") from None
    if not isinstance(settings, dict):
        raise _NoSettingsError(f"it is no JSON object: expected {_EXPECTED}")
    settings = {name.lower(): value for name, value in settings.items()}
    if settings.get("isencrypted") is True:
        raise _NoSettingsError("its values are encrypted: run 'func settings decrypt' first")
    values = settings.get("values")
    if not isinstance(values, dict):
        raise _NoSettingsError(f"it has no object Values: expected {_EXPECTED}")
    return values


def _text(content: bytes) -> str:
    utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # As PowerShell writes it.
    return content.decode("utf-16" if utf_16 else "utf-8-sig")


def _blanked(match: re.Match[str]) -> str:
    """A string as it is; a comment or a comma as blanks, so that lines and columns stay what they are."""
    text = match[0]
    return text if text.startswith('"') else re.sub(r"[^\n]", " ", text)


def _as_text(name: str, value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else value
    if not isinstance(text, str):
        raise _NoSettingsError(f"the value of {name!a} is a list or an object: expected text or a number")
    # Half a surrogate pair, too, which JSON can write, has no place in an environment.
    if not name or "=" in name or re.search("[\0\ud800-\udfff]", name + text):
        raise _NoSettingsError(f"{name!a} or its value cannot stand in an environment: it has a NUL or the like")
    return text
