"""Finding the canary: a master key with all that is easily mishandled, in every form that a library may write it."""

import base64
import json
from urllib.parse import quote, quote_plus

from .conftest import CANARY

FORMS = {
    CANARY,
    quote(CANARY),
    quote(CANARY, safe=""),
    quote(CANARY, safe="").lower(),
    quote_plus(CANARY),
    json.dumps(CANARY)[1:-1],
    repr(CANARY.encode())[2:-1],
}


def decoded(text: str) -> str:
    """What is in a base64 text; empty for any other."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""


def leaks_in(text: str) -> int:
    """How often the key is in the text, plain or in lines of base64."""
    whole = text + "\n" + "\n".join(map(decoded, text.splitlines()))
    return sum(whole.count(form) for form in FORMS)
