"""Log lines of a run: an event's name and its fields as JSON, so that people and queries can read them."""

import json
import logging
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping

from .redaction import MASK
from .texts import MAX_LINE, cut

logger = logging.getLogger("dataflow_poller")

# JSON bears these as they are; but they end a line for some readers, and half a surrogate pair cannot be encoded.
_UNSOUND = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# At INFO the SDKs write four records an operation, at DEBUG more: the run's own lines would drown.
NOISY_LIBRARIES = ("azure.core", "azure.data", "azure.identity", "azure.storage", "msal", "urllib3")


def quiet_libraries() -> None:
    """Let the libraries speak from WARNING on."""
    for name in NOISY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


class RunLog:
    """Writes `<event> <JSON>` lines of at most `MAX_LINE` code points with every master key masked.

    Used on the invocation's thread only: lines of other threads lose their invocation on the Functions host.
    """

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask

    def info(self, event: str, **fields: object) -> None:
        """What went as it should."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """What went wrong and will be tried again."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """What somebody must mend."""
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: Mapping[str, object]) -> None:
        # Masked before and after: a text that JSON escapes, and whatever the fields put together. Before it is cut: no
        # half of a key is left at the cut.
        masked = {name: self._mask(value) if isinstance(value, str) else value for name, value in fields.items()}
        line = fields_as_json(masked, MAX_LINE - len(event) - 1)
        sound = self._mask(line)
        if sound != line:  # A key of what two fields put together; where the line is no JSON then, no text is kept.
            sound = sound if _is_json(sound) else json.dumps(dict.fromkeys(masked, MASK))
        logger.log(level, "%s %s", event, sound)


def fields_as_json(fields: Mapping[str, object], length: int) -> str:
    """The fields as one line of JSON in at most ``length`` code points; letters and symbols stand as they are.

    Where that is too short, the longest texts are cut, all to one measure: in `MAX_LINE` twenty texts keep a hundred
    code points each, whatever is in them. Of fields that cannot be made to fit, the first half is kept.
    """
    text = _json(fields, length)
    if len(text) <= length:
        return text
    longest = bisect_right(range(1, length), length, key=lambda longest: len(_json(fields, longest)))
    if longest == 0:
        return fields_as_json(dict(list(fields.items())[: len(fields) // 2]), length)
    return _json(fields, longest)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _json(fields: Mapping[str, object], longest: int) -> str:
    """The fields as JSON, each text cut to ``longest`` code points."""
    values = {name: cut(value, longest) if isinstance(value, str) else value for name, value in fields.items()}
    return _UNSOUND.sub(_sound, json.dumps(values, ensure_ascii=False))


def _sound(found: re.Match[str]) -> str:
    return "\N{REPLACEMENT CHARACTER}" if "\ud800" <= found[0] <= "\udfff" else f"\\u{ord(found[0]):04x}"
