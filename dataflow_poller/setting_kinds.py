"""What an app setting is, and the kinds of them: texts, numbers, names, URLs, keys. Pure.

What is read here may be a secret that was pasted into the wrong setting: no error shows anything of it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .pasted import pasted
from .urls import is_https_or_loopback, split_url

_SHORTEST_KEY = 16
"""Hiding a shorter one would hide ordinary words; the service's keys have 64 characters."""


@dataclass(frozen=True)
class AppSetting[T]:
    """One app setting.

    Attributes:
        name: as in the environment.
        default: the text that stands for it where it is not set; None where there is no value then. A setting
            without a default counts as not set where its text is empty.
        meaning: what it is for, in Markdown.
        expected: what a value looks like, in words that fit behind "expected".
        parse: reads a text without what pasting brought along; raises ValueError, whose text shows nothing of it.
        lowest, highest: the bounds of a number.
    """

    name: str
    default: str | None
    meaning: str
    expected: str
    parse: Callable[[str], T]
    lowest: float | None = None
    highest: float | None = None

    def read(self, text: str) -> T:
        """The value of a text as a person pasted it.

        Raises:
            ValueError: it is no value of this setting; says what was expected, and shows nothing of the text.
        """
        return self.parse(pasted(text))

    @property
    def configuration_key(self) -> str:
        """The name that the setting has in the deployment's configuration: in camel case, with ``dataSource``."""
        first, *others = self.name.lower().replace("datasource", "data_source").split("_")
        return first + "".join(word.capitalize() for word in others)


def text_setting(name: str, default: str | None, meaning: str, expected: str, pattern: str) -> AppSetting[str]:
    """One whose whole text fits an expression."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"expected {expected}")
        return text

    return AppSetting(name, default, meaning, expected, parse)


def count_setting(name: str, default: int, highest: int, meaning: str) -> AppSetting[int]:
    """A whole number from 1."""
    expected = f"a whole number from 1 to {highest}"

    def parse(text: str) -> int:
        if not (re.fullmatch(r"\+?0{0,9}\d{1,9}", text, re.ASCII) and 1 <= int(text) <= highest):
            raise ValueError(f"expected {expected}")
        return int(text)

    return AppSetting(name, str(default), meaning, expected, parse, 1, highest)


def number_setting(
    name: str, default: str, lowest: float, highest: float, meaning: str, expected: str = "", *, ends: bool = True
) -> AppSetting[float]:
    """A number that may have a fraction; ``ends``: whether its bounds are among its values."""
    expected = expected or f"a number from {lowest:g} to {highest:g}"

    def parse(text: str) -> float:
        if re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", text, re.ASCII):
            number = float(text)
            if lowest < number < highest or (ends and number in (lowest, highest)):
                return number
        raise ValueError(f"expected {expected}")

    return AppSetting(name, default, meaning, expected, parse, lowest, highest)


def queue_setting(name: str, default: str | None, longest: int, meaning: str) -> AppSetting[str]:
    """A queue's name of 3 to ``longest`` characters ("Naming Queues and Metadata", Microsoft Learn)."""
    expected = f"a queue name: 3 to {longest} lower-case letters, digits and single hyphens between those"
    return text_setting(name, default, meaning, expected, rf"(?=.{{3,{longest}}}\Z)[a-z0-9]+(-[a-z0-9]+)*")


def service_uri_setting(service: str) -> AppSetting[str]:
    """Where a storage service is, for an identity: the SDKs send no token over http, not even on one machine."""
    expected = "an https:// URI without query or user, or JobStorage__accountName instead"

    def parse(text: str) -> str:
        parts = split_url(text)
        if parts is None or parts.scheme != "https" or re.search("[?#]", text):
            raise ValueError(f"expected {expected}")
        return text

    meaning = f"a part: where the {service} service is"
    return AppSetting(f"JobStorage__{service}ServiceUri", None, meaning, expected, parse)


def endpoint_setting(name: str, default: str, meaning: str) -> AppSetting[str]:
    """Where the status endpoint is. A key is sent there, so what is sent must not be read on the way."""
    expected = "https://host[:port], or http:// for a loopback host, with no path, query or user"

    def parse(text: str) -> str:
        parts = split_url(text)
        if parts is None or not is_https_or_loopback(parts) or text.count("/") > 3 or re.search("[?#]", text):
            raise ValueError(f"expected {expected}")
        if parts.path not in ("", "/"):
            raise ValueError(f"expected {expected}")
        return text.rstrip("/")

    return AppSetting(name, default, meaning, expected, parse)


def master_key_setting(name: str, meaning: str) -> AppSetting[str]:
    """A master key; the error says why a text counts as none."""

    def parse(text: str) -> str:
        if not text:
            raise ValueError("it is empty: set it to the master key")
        if text.lower().startswith("@microsoft.keyvault("):
            raise ValueError(
                "it is a Key Vault reference that did not resolve: check the secret and the identity's right to read it"
            )
        if not re.fullmatch("[ -~]*", text):
            raise ValueError("it has other characters than printable ASCII: copy the master key again")
        if len(text) < _SHORTEST_KEY:
            raise ValueError(f"it is shorter than {_SHORTEST_KEY} characters: the service's master keys have 64")
        return text

    expected = f"a master key of at least {_SHORTEST_KEY} printable ASCII characters"
    return AppSetting(name, None, meaning, expected, parse)
