"""What is kept of a message that is no job: its text without keys. Pure."""

import base64
import re
from collections.abc import Callable

from .key_marks import mask_values
from .master_keys import MasterKeys

MAX_BYTES = 65_536
"""Of a message's text in UTF-8 ("Put Message", Azure Queue Storage)."""

MAX_BYTES_IN_BASE64 = MAX_BYTES // 4 * 3

_ENCODINGS = (
    ("utf-8", "surrogateescape", 1),
    ("utf-16-le", "surrogatepass", 2),
    ("utf-16-be", "surrogatepass", 2),
    ("utf-32-le", "surrogatepass", 4),
    ("utf-32-be", "surrogatepass", 4),
)
"""How base64 is read in search of a key: encoding, what becomes of what is not of it, and bytes of a unit.

The first stands for all that agree with ASCII. A byte-order mark is a character like any other.
"""


def without_keys(text: str, content: bytes | None, keys: MasterKeys) -> tuple[str, bool]:
    """A message's text with every key in it replaced by ``***``, and whether its end had to be cut for that.

    Args:
        text: the message as it is in the queue.
        content: what its base64 holds; None where it is not base64.
        keys: hidden wherever they stand. In base64 they are hidden inside, which is then encoded again as it was.
    """

    def hide(plain: str) -> str:
        return mask_values(keys.mask(plain))

    hidden = keys.mask(text) if content else hide(text)
    if hidden != text:
        return _cut(hidden, "utf-8", "surrogatepass", MAX_BYTES)
    return _without_keys_inside(_almost_base64(text) if content is None else content, hide) or (text, False)


def _without_keys_inside(content: bytes, hide: Callable[[str], str]) -> tuple[str, bool] | None:
    """Base64 of the content without keys; None where it has none."""
    for encoding, errors, unit in _ENCODINGS:
        whole = len(content) // unit * unit
        rest = content[whole:]
        try:
            plain = content[:whole].decode(encoding, errors)
        except UnicodeDecodeError:
            continue
        hidden = hide(plain)
        if hidden != plain:
            hidden, cut = _cut(hidden, encoding, errors, MAX_BYTES_IN_BASE64 - len(rest))
            return base64.b64encode(hidden.encode(encoding, errors) + rest).decode(), cut
    return None


def _almost_base64(text: str) -> bytes:
    """What a text holds that is base64 but for its alphabet (that of URLs) or its end."""
    letters = re.sub(r"[\s=]", "", text).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except ValueError:
        return b""


def _cut(text: str, encoding: str, errors: str, most: int) -> tuple[str, bool]:
    """The text as far as it is at most so many bytes, and whether that is less than all of it."""
    whole = len(text)
    while (beyond := len(text.encode(encoding, errors)) - most) > 0:
        text = text[: -max(beyond // 4, 1)]
    return text, len(text) < whole
