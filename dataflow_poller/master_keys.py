"""The master keys, and hiding them.

A master key can update and delete a customer's data sources. It is read from the app settings, added to a
request where the bytes leave (bing_maps.py) and masked in everything that is kept or said.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from .redaction import Redaction

KEY_SETTING = "BING_MAPS_MASTER_KEY"
"""The app setting of the key named `default`; those of others begin with it."""

LONGEST_KEY_NAME = 32
KEY_NAME = re.compile(rf"[A-Za-z0-9_]{{1,{LONGEST_KEY_NAME}}}")
"""A master key's name, which is without case in a message and in capitals in an app setting."""


def key_setting(name: str) -> str:
    """The app setting of the master key of that name, which is without case."""
    return KEY_SETTING if name.lower() == "default" else f"{KEY_SETTING}_{name.upper()}"


@dataclass(frozen=True)
class UnusableKey:
    """A key that was set and does not count as configured: its app setting's name, and why."""

    setting: str
    reason: str


class MasterKey:
    """One master key; its value does not show in a repr, a traceback or a format string."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def query_parameter(self) -> str:
        """``key=...`` as it goes on the wire, percent-encoded."""
        return "key=" + quote(self._value, safe="")

    def to_hide(self) -> str:
        """The value, for what hides it in texts."""
        return self._value


class MasterKeys:
    """The configured master keys by name (lower case).

    Attributes:
        unusable: by name, the keys that were set and do not count as configured.
    """

    def __init__(self, keys: Mapping[str, MasterKey], unusable: Mapping[str, UnusableKey]) -> None:
        self._keys = dict(keys)
        self._redaction = Redaction(key.to_hide() for key in keys.values())
        self.unusable = dict(unusable)

    def get(self, name: str) -> MasterKey | None:
        """The key of that name, or None where it is not configured."""
        return self._keys.get(name)

    def found_in(self, text: str) -> bool:
        """Whether the text of a configured key is in ``text``, plain or escaped."""
        return self._redaction.found_in(text)

    def mask(self, text: str) -> str:
        """``text`` with every configured key, plain or escaped, replaced by ``***``."""
        return self._redaction.mask(text)
