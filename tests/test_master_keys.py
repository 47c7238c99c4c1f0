"""The master keys: hidden wherever they are not sent."""

from urllib.parse import parse_qs, quote

from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.master_keys import MasterKey, MasterKeys, UnusableKey

from .conftest import CANARY, OTHER_KEY


def test_every_configured_key_is_hidden() -> None:
    """Whichever name it has, and whichever other key is there."""
    keys = MasterKeys({"default": MasterKey(CANARY), "other": MasterKey(OTHER_KEY)}, {})
    assert keys.mask(f"{OTHER_KEY} and {quote(CANARY)}") == "*** and ***"
    assert keys.found_in(f"x{OTHER_KEY}")
    assert not keys.found_in(CANARY[:-1])


def test_a_key_that_is_not_configured_hides_nothing() -> None:
    """An empty setting is not a key that stands everywhere."""
    keys = MasterKeys({}, {"default": UnusableKey("BING_MAPS_MASTER_KEY", "it is empty")})
    assert keys.mask("text") == "text"
    assert not keys.found_in("text")


def test_the_value_is_in_no_representation() -> None:
    """Only the request gets it."""
    key = MasterKey(CANARY)
    assert CANARY not in f"{key} {key!r} {MasterKeys({'a': key}, {})!r}"


@given(st.text(min_size=1))
def test_any_key_arrives_as_it_is(key: str) -> None:
    """What the endpoint decodes is the key, to the letter."""
    assert parse_qs(MasterKey(key).query_parameter(), keep_blank_values=True, strict_parsing=True) == {"key": [key]}
