"""The search for leaks itself: a check that finds nothing must be able to find something."""

import base64
import json
from urllib.parse import quote

import pytest

from .conftest import CANARY
from .leaks import leaks_in


@pytest.mark.parametrize(
    "form",
    [CANARY, quote(CANARY), quote(CANARY, safe=""), json.dumps(CANARY), base64.b64encode(CANARY.encode()).decode()],
)
def test_the_canary_is_found_in_every_form(form: str) -> None:
    """Raw, percent-encoded, in JSON, in base64."""
    assert leaks_in(f"a line\n{form}\nanother")
    assert not leaks_in("a line\nanother")
