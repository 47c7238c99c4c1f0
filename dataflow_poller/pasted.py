"""Values as people paste them. Pure."""

import unicodedata

_INVISIBLE_CATEGORIES = {"Cc", "Cf"}
"""Control characters; format characters, such as the byte-order mark and what has no width."""

_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Fillers, joiners and selectors that show nothing but have another category."""

_QUOTES = "\"'"


def pasted(text: str) -> str:
    """What was meant: white space, invisible characters and one pair of equal quotes are taken off the ends.

    A file or a web page brings them along unseen. In the middle nothing is changed.
    """
    text = trimmed(text)
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = trimmed(text[1:-1])
    return text


def trimmed(text: str) -> str:
    """The text from its first visible character to its last."""
    begin, end = 0, len(text)
    while begin < end and _is_invisible(text[begin]):
        begin += 1
    while begin < end and _is_invisible(text[end - 1]):
        end -= 1
    return text[begin:end]


def _is_invisible(character: str) -> bool:
    return (
        character.isspace()
        or unicodedata.category(character) in _INVISIBLE_CATEGORIES
        or character in _INVISIBLE_LETTERS
        or "\ufe00" <= character <= "\ufe0f"  # Variation selectors.
    )
