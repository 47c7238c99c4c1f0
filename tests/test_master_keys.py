"""Hiding keys: however a key is escaped, it is found and masked."""

import json
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.master_keys import MasterKey, MasterKeys, UnusableKey

from .conftest import CANARY

ODD = CANARY + " \"\\<>'😀"


@pytest.mark.parametrize(
    "escaped",
    [
        ODD,
        quote(ODD),
        quote(ODD, safe=""),
        quote(ODD, safe="").lower(),
        quote_plus(ODD),
        quote(quote(ODD, safe=""), safe=""),
        json.dumps(ODD)[1:-1],
        json.dumps(ODD, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(ODD))[1:-1].replace('\\"', "", 1),
        escape(ODD),
        "".join(f"&#{ord(c)};" for c in ODD),
        "".join(f"&#x{ord(c):X};" for c in ODD),
    ],
)
def test_a_key_is_masked_in_every_usual_escape(escaped: str) -> None:
    """Percent, plus, JSON, XML, and each of them twice where that happens."""
    keys = MasterKeys({"default": MasterKey(ODD), "other": MasterKey("x9")}, {})
    assert "***" in keys.mask(f"before {escaped} after")
    assert "canary" not in keys.mask(f"before {escaped} after")
    assert keys.mask(f"before {escaped} after").startswith("before ")
    assert keys.found_in(escaped)


def test_a_key_within_another_does_not_leave_a_rest() -> None:
    """The longer key is masked first."""
    keys = MasterKeys({"a": MasterKey("abc"), "b": MasterKey("abcdef")}, {})
    assert keys.mask("abcdef abc") == "*** ***"


def test_without_keys_nothing_is_masked() -> None:
    """No key, no pattern: not one that fits everywhere."""
    assert MasterKeys({}, {"default": UnusableKey("BING_MAPS_MASTER_KEY", "it is empty")}).mask("text") == "text"
    assert not MasterKeys({}, {}).found_in("text")


def test_the_value_is_in_no_representation() -> None:
    """Only the request gets it."""
    key = MasterKey("S3cret")
    assert "S3cret" not in f"{key} {key!r} {MasterKeys({'a': key}, {})!r}"


@given(st.text(min_size=1), st.text(), st.text())
def test_any_key_is_masked_in_any_text(key: str, before: str, after: str) -> None:
    """No character of a key is special."""
    keys = MasterKeys({"default": MasterKey(key)}, {})
    assert keys.found_in(before + key + after)
    assert "***" in keys.mask(before + key + after)


@given(st.text(min_size=1))
def test_any_key_arrives_as_it_is(key: str) -> None:
    """What the endpoint decodes is the key, to the letter."""
    from urllib.parse import parse_qs

    assert parse_qs(MasterKey(key).query_parameter(), keep_blank_values=True, strict_parsing=True) == {"key": [key]}
