"""Finds master keys in a message by where they stand, and hides them. Pure.

What counts is the value of a URL's parameter, or of a property of JSON, whose name ends in `key`; and a `masterKeyName`
that is no name, since a key pasted there is the likeliest mistake. The time is proportional to the text: each
expression here passes over it once and never goes back.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from html.entities import html5

from .master_keys import KEY_NAME
from .redaction import MASK, Span, layers_of

Hidden = tuple[int, int, str]
"""Where something to hide begins and ends, and what takes its place."""

_PARAMETER = re.compile(r"(?i)[?&;#][^?&;#=\s\"']*+(?<=key)(?=[=?&;#\"'\\]|$)")
_PROPERTY = re.compile(r"(?i)key\\*+[\"']\s*+:")
_NOT_HIDDEN = re.compile(rf"(?i)key\\*+[\"']?\s*+[:=]\s*+\\*+[\"']?+(?!{re.escape(MASK)}|[\s&\"'\\]|$)")

_QUOTES = "\"'"
_BACKSLASHES = r"(?<!\\)\\++"
_PERCENT = rf"(?:%|{_BACKSLASHES}u0025|&(?:amp;)*+#(?:0*+37|x0*+25);?)(?:25)*+"
_AMPERSAND = rf"(?:&|{_PERCENT}26|{_BACKSLASHES}u0026)(?:amp(?:;|{_PERCENT}3b))*+"
_HASH = rf"(?:#|{_PERCENT}23|{_BACKSLASHES}u0023)"


def _form(characters: str) -> str:
    """An expression for any of the characters, plain or escaped as in a URL, JSON or HTML, or as in two of these."""
    codes = "|".join(f"{ord(character):02x}" for character in characters)
    numbers = "|".join(str(ord(character)) for character in characters)
    names = "|".join(name for name, meaning in html5.items() if meaning in characters) or "(?!)"
    reference = rf"(?:{_HASH}(?:x0*+(?:{codes})|0*+(?:{numbers}))|{names})(?:;|{_PERCENT}3b)?+"
    escaped = rf"{_PERCENT}(?:{codes})|{_BACKSLASHES}u00(?:{codes})|{_AMPERSAND}{reference}"
    return rf"(?:[{re.escape(characters)}]|(?=[%&\\])(?:{escaped}))"


_MARK = re.compile(
    rf"(?i)(?=[km%&\\])(?:{_form('kK')}{_form('eE')}{_form('yY')}|(?P<name>masterkeyname))(?=[:=%&\\{_QUOTES}\s])"
    rf"(?:{_form(_QUOTES + ' ')}|\\++(?=[{_QUOTES}])|\s)*+(?:(?P<colon>{_form(':')})|{_form('=')})(?:{_form(' ')}|\s)*+"
)
_BRACKET = re.compile(rf"(?i){_form('[{')}")
_QUOTE = re.compile(r"(\\*+)([\"'])")
_BARE = re.compile(r"[^,}\]\s]*+")
_BARE_PARAMETER = re.compile(r"(?:[^&#\s\"\\]|\\.|&(?:amp;)*+#\w++;?|&(?!amp\b)\w++;)*+", re.DOTALL)

_TOKEN = re.compile(r'("(?:[^"\\]++|\\.)*+")(\s*+:)?|[\[\]{}]|[^\s",:\[\]{}]++')


def carries_key(text: str) -> bool:
    """Whether a text has a parameter or a property whose name ends in `key`, whatever its value."""
    return any(_PARAMETER.search(layer) or _PROPERTY.search(layer) for layer in layers_of(text).texts)


def mask_values(text: str) -> str:
    """The text with each such value, and each `masterKeyName` that is no name, replaced by ``***``."""
    if not any("key" in layer.lower() for layer in layers_of(text).texts):
        return text
    hidden, strings = _outline(text) if _is_sound(text) else ([], [(0, len(text))])
    pieces, at = [], 0
    for start, end, mask in sorted([*hidden, *_marked(text, strings)]):
        if start >= at:
            pieces += [text[at:start], mask]
            at = end
    masked = "".join(pieces) + text[at:]
    # Where a mark is escaped in a way that no expression here knows, nothing is kept.
    return MASK if any(map(_NOT_HIDDEN.search, layers_of(masked).texts)) else masked


def _is_sound(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _outline(text: str) -> tuple[list[Hidden], list[Span]]:
    """Of sound JSON: the values of properties that are to be hidden, and where its strings are."""
    hidden: list[Hidden] = []
    strings: list[Span] = []
    name = None
    opened: list[tuple[str | None, int]] = []
    for token in _TOKEN.finditer(text):
        string, colon = token.groups()
        start, end = token.span(1) if string else token.span()
        if string:
            strings.append((start + 1, end - 1))
        if colon:
            name = json.loads(string) if "\\" in string else string[1:-1]
            continue
        if text[start] in "[{":
            opened.append((name, start))
        else:
            if text[start] in "]}":
                name, start = opened.pop()
            if name is not None and _is_to_hide(name, text[start:end]):
                hidden.append((start, end, f'"{MASK}"'))
        name = None
    return hidden, strings


def _is_to_hide(name: str, value: str) -> bool:
    name = name.strip().lower()
    if name != "masterkeyname":
        return name.endswith("key")
    return value not in ("null", "true", "false") and not (
        value.startswith('"') and KEY_NAME.fullmatch(json.loads(value))
    )


def _marked(text: str, strings: list[Span]) -> Iterator[Hidden]:
    """All that looks like the value of a key, in each string by itself."""
    beginnings = [start for start, _ in strings]
    mark = _MARK.search(text)
    while mark:
        string = bisect_right(beginnings, mark.start()) - 1
        limit = strings[string][1] if string >= 0 else 0
        end = mark.end()
        if end <= limit:
            start, end = _value(text, mark, limit)
            if not (mark["name"] and KEY_NAME.fullmatch(text, start, end)):
                yield start, end, MASK
        mark = _MARK.search(text, end)


def _value(text: str, mark: re.Match[str], limit: int) -> tuple[int, int]:
    """Where the value behind a mark begins and ends; its quotes are not of it."""
    start = mark.end()
    if opening := _QUOTE.match(text, start, limit):
        return opening.end(), _end_of_quoted(text, opening, limit)
    if mark["colon"] and _BRACKET.match(text, start, limit):
        return start, limit
    bare = (_BARE if mark["colon"] else _BARE_PARAMETER).match(text, start, limit)
    assert bare is not None, "both match an empty value, too"
    return bare.span()


def _end_of_quoted(text: str, opening: re.Match[str], limit: int) -> int:
    """Where the quote is closed: as many backslashes, but for those of the value itself, and the same quotation mark.

    Fewer backslashes are of a quote further out, which ends the value, too.
    """
    backslashes = len(opening[1])
    for closing in _QUOTE.finditer(text, opening.end(), limit):
        more = len(closing[1]) - backslashes
        if closing[2] == opening[2] and (more < 0 or more % (2 * backslashes + 2) == 0):
            return closing.start() + max(more, 0)
    return limit
