"""Readers of configuration values: each takes the text, empty where there is none, and shows no key. Pure."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

SAMPLE_EMAIL = "you@example.com"
"""What Pulumi.dev.yaml and the guide show."""

PRINCIPAL_TYPES = ("User", "Group", "ServicePrincipal")
_GUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ACTION_GROUP = rf"(?i:/subscriptions/{_GUID}/resourceGroups/[^/]+/providers/Microsoft\.Insights/actionGroups/[^/]+)"
_TAG = r"[^<>%&\\?/]{1,128}"
"""A tag's name that every resource takes; storage accounts are the strictest."""

_HOW_TO_SET = "set each with: pulumi config set --secret --path 'masterKeys.<name>'"


class WrongValue(Exception):
    """A value of the configuration is wrong; says what was expected."""


@dataclass(frozen=True)
class Principal:
    """Somebody in the directory, by object id; the type is one of ``PRINCIPAL_TYPES``."""

    id: str
    type: str


def flag(text: str) -> bool:
    """True or false; false where it is not given.

    Raises:
        WrongValue: it is neither.
    """
    if text not in ("", "true", "false"):
        raise WrongValue("expected true or false")
    return text == "true"


def one_of(default: str, *others: str) -> Callable[[str], str]:
    """A reader of one of these words."""

    def read(text: str) -> str:
        if text and text not in (default, *others):
            raise WrongValue(f"expected {', '.join((default, *others[:-1]))} or {others[-1]}")
        return text or default

    return read


def whole_number[T](lowest: int, highest: int, default: T) -> Callable[[str], int | T]:
    """A reader of a number with these bounds."""

    def read(text: str) -> int | T:
        if not text:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise WrongValue(f"expected a whole number from {lowest} to {highest}")
        return int(text)

    return read


def email(text: str) -> str:
    """An address for alerts; empty where none is given.

    Raises:
        WrongValue: it is none, or nobody's.
    """
    if text == SAMPLE_EMAIL:
        raise WrongValue(f"{text} is the sample's and reaches nobody, expected an address of yours")
    if text and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise WrongValue("expected an address for alerts")
    return text


def action_group(text: str) -> str:
    """The id of an action group that is there already; empty where none is given.

    Raises:
        WrongValue: it is none.
    """
    if text and not re.fullmatch(_ACTION_GROUP, text):
        raise WrongValue("expected the id of an action group: az monitor action-group list --query '[].id'")
    return text


def shown_keys(stack_file: Path, full_key: str) -> list[str]:
    """The names of the master keys that a stack's file shows in plain.

    The engine does not notice one beside an encrypted one. Nothing is known where the file is another one.
    """
    try:
        keys = yaml.safe_load(stack_file.read_text("utf-8"))["config"][full_key]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return []
    if not isinstance(keys, dict) or keys.keys() == {"secure"}:
        return []
    return [name for name, key in keys.items() if not isinstance(key, dict) or key.keys() != {"secure"}]


def master_keys(text: str, shown: list[str], *, is_secret: bool) -> dict[str, str]:
    """The master keys by name, lower case.

    Args:
        text: a JSON object of them.
        shown: the names of those that the stack's file shows in plain.
        is_secret: whether the configuration holds them encrypted, all of them or some.

    Raises:
        WrongValue: they are no keys by name, or one is to be read by others.
    """
    if shown or (text and not is_secret):
        which = f" ({', '.join(shown)})" if shown else ""
        raise WrongValue(f"a key stands there in plain{which}; {_HOW_TO_SET}, and change that key at Bing Maps")
    keys = _parsed(text)
    if not isinstance(keys, dict) or not keys or not all(isinstance(key, str) for key in keys.values()):
        raise WrongValue(f"expected a map from key name to key, with at least one; {_HOW_TO_SET}")
    if len({name.lower() for name in keys}) < len(keys):
        raise WrongValue("expected each name once; they are without case")
    return {name.lower(): key for name, key in keys.items()}


def principals(text: str) -> tuple[Principal, ...]:
    """Whom to give rights; nobody where none is given.

    Raises:
        WrongValue: it is no list of them.
    """
    expected = f"expected a list of {{id: <object id>, type: <{', '.join(PRINCIPAL_TYPES)}>}}"
    listed = _parsed(text) if text else []
    if not isinstance(listed, list):
        raise WrongValue(expected)
    for number, item in enumerate(listed):
        if not isinstance(item, dict) or item.keys() != {"id", "type"} or item["type"] not in PRINCIPAL_TYPES:
            raise WrongValue(f"{expected}; [{number}] is not so")
        if not re.fullmatch(_GUID, str(item["id"])):
            raise WrongValue(f"[{number}].id: expected an object id: az ad user show --id <name> --query id")
    if len({item["id"].lower() for item in listed}) < len(listed):
        raise WrongValue("expected each id once")
    return tuple(Principal(item["id"].lower(), item["type"]) for item in listed)


def tags(text: str) -> dict[str, str]:
    """The user's tags.

    Raises:
        WrongValue: Azure would refuse one of them.
    """
    given = _parsed(text) if text else {}
    if not isinstance(given, dict) or not all(isinstance(value, str | int | float) for value in given.values()):
        raise WrongValue("expected a map from name to text: pulumi config set --path 'tags.<name>' <text>")
    found = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    if not all(re.fullmatch(_TAG, name) and len(value) <= 256 for name, value in found.items()):
        raise WrongValue("expected names of 1 to 128 characters other than <>%&\\?/, and texts of up to 256")
    if len({name.lower() for name in found}) < len(found) or len(found) > 40:
        raise WrongValue("expected no more than 40, each name once; they are without case")
    return found


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
