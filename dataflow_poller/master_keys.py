"""The master keys, and hiding them.

A master key can update and delete a customer's data sources. It is read from the app settings, added to a
request where the bytes leave (bing_maps.py) and masked in everything that is kept or said.
"""

from collections.abc import Mapping
from urllib.parse import quote

from .redaction import Redaction


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
        unusable: name -> why a key that was set does not count as configured.
    """

    def __init__(self, keys: Mapping[str, MasterKey], unusable: Mapping[str, str]) -> None:
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
