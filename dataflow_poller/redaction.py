"""Hides keys in a text, however they are escaped there, in time proportional to the text. Pure.

A key may stand in a text in the escapes of URLs, JSON, XML and HTML, one within another. So all escapes of the text
are undone, then all escapes of what came out, and so on. Each of these layers is searched for the plain keys, and
what is found is traced back to where it stands in the text. Only escapes of printable ASCII are undone, since a key
has no other characters.

Why the time is proportional: a layer takes one split by an expression that never goes back, it is shorter than the
layer before, and the layers together are bounded. The search of a layer never goes back either.

What is not found: a key in more escapes within each other than the bound allows; and a key whose first or last
characters make an escape together with the text beside it (`1b...` after `%4`), if it is escaped elsewhere, too.
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html.entities import html5
from itertools import accumulate, groupby, islice

MASK = "***"

_TIMES = 4
_CHARACTERS = 2**18
"""Escapes are undone until so many times the text, or so many characters where that is more, were gone through. A text
of escapes gets shorter fast: of most, all escapes are undone long before."""

MAX_FOUND = 2_000
"""Keys in one text that are hidden one by one."""

Lengths = tuple["array[int]", "array[int]"]
"""Of the pieces of a text, plain and escaped by turns; and of what came of each."""

Span = tuple[int, int]
"""Where something begins in a text, and the place behind its last character."""

_SHORTEST = 12
"""Characters. A key that is almost nothing but escapes is looked for as it stands, not for the few that they mean."""

_NAMES = sorted((name for name, text in html5.items() if re.fullmatch("[ -~]", text)), reverse=True)
"""HTML's names for printable ASCII; a few of them are there without their semicolon, too, since HTML bears that."""

_BARE_NAME = "|".join(name for name in _NAMES if not name.endswith(";"))
_NAME = "|".join(
    f"{initial}(?:{'|'.join(name[1:] for name in names)})"
    for initial, names in groupby((name for name in _NAMES if name.endswith(";")), lambda name: name[0])
)
_HEX = "(?:[2-6][0-9A-Fa-f]|7[0-9A-Ea-e])"
_DECIMAL = "(?:12[0-6]|1[01][0-9]|3[2-9]|[4-9][0-9])"
_ESCAPE = re.compile(
    rf"((?:%{_HEX})++"  # A run of these, or of these of JSON, is undone as one.
    rf"|\\(?:u00{_HEX}(?:\\u00{_HEX})*+|[\"'/\\](?:\\[\"'/\\])*+)"
    rf"|&(?:#(?:[xX]0*+{_HEX}|0*+{_DECIMAL})(?:;|%3[Bb]|\\u003[Bb])?"  # The semicolon may be escaped itself.
    rf"|(?=[A-Za-z]{{2}})(?:(?=[A-Za-z]{{2,}}+;)(?:{_NAME})|{_BARE_NAME})))"
)
_BEGIN_OF_ESCAPE = re.compile(r"[%&\\]")
_BACKSLASHES = re.compile(r"(\\+)")


class Layers:
    """A text, and what becomes of it as its escapes are undone.

    Attributes:
        texts: the text; then each time the one before with its escapes undone; then that without the backslashes that
            are left, since their number is uncertain where escapes of JSON and others were undone together.
    """

    def __init__(self, text: str) -> None:
        self.texts = [text]
        self._lengths: list[Lengths] = []
        remaining = max(_TIMES * len(text), _CHARACTERS)
        while remaining > 0 and self._undo_escapes():
            remaining -= len(self.texts[-2])
        if "\\" in self.texts[-1]:
            self.texts.append(self.texts[-1].replace("\\", ""))

    def _undo_escapes(self) -> bool:
        pieces = _ESCAPE.split(self.texts[-1])
        if len(pieces) == 1:
            return False
        lengths = array("I", map(len, pieces))
        pieces[1::2] = map(_Meanings().__getitem__, pieces[1::2])
        self._lengths.append((lengths, array("I", map(len, pieces))))
        self.texts.append("".join(pieces))
        return True

    def trace(self, layer: int, spans: Iterable[Span]) -> list[Span]:
        """Where spans of a layer stand in the layer before."""
        if layer <= len(self._lengths):
            lengths, undone = self._lengths[layer - 1]
        else:
            lengths = array("I", map(len, _BACKSLASHES.split(self.texts[layer - 1])))
            undone = lengths[:]
            undone[1::2] = array("I", [0]) * (len(lengths) // 2)
        before = array("L", accumulate(lengths, initial=0))
        after = array("L", accumulate(undone, initial=0))

        def place(position: int, piece: int) -> int:
            of_one = lengths[piece] // undone[piece]  # More than one for an escape.
            return before[piece] + (position - after[piece]) * of_one

        return [
            (place(start, bisect_right(after, start) - 1), place(end, bisect_left(after, end) - 1))
            for start, end in spans
        ]


@lru_cache(maxsize=1)
def layers_of(text: str) -> Layers:
    """The layers of a text; kept until those of another are asked for, since a message is looked at several times."""
    return Layers(text)


class Redaction:
    """Hides keys of printable ASCII, 16 characters or more; keys that overlap in a text as one."""

    def __init__(self, keys: Iterable[str]) -> None:
        layers = {_spaced(text) for key in keys for text in Layers(key).texts if text is key or len(text) >= _SHORTEST}
        self._forms = [(form, _run(form)) for form in sorted(layers)]

    def found_in(self, text: str) -> bool:
        """Whether a key is in ``text``, plain or escaped."""
        layers = map(_spaced, layers_of(text).texts)
        return any(form in layer for layer in layers for form, _ in self._forms)

    def mask(self, text: str) -> str:
        """``text`` with every key, plain or escaped, replaced by ``***``, and otherwise to the letter.

        A text that repeats a key more than `MAX_FOUND` times was made to take long: nothing of it is kept.
        """
        if not self._forms or self._is_free(text):
            return text
        layers = layers_of(text)
        spans: list[Span] = []
        for number in reversed(range(len(layers.texts))):
            found = islice(self._spans(_spaced(layers.texts[number])), MAX_FOUND + 1)
            spans = merged([*spans, *found])
            if len(spans) > MAX_FOUND:
                return MASK
            if number and spans:
                spans = layers.trace(number, spans)
        return with_masks(text, spans)

    def _is_free(self, text: str) -> bool:
        """Whether a text has neither an escape nor a key: most texts, seen at once."""
        if _BEGIN_OF_ESCAPE.search(text):
            return False
        spaced = _spaced(text)
        return not any(form in spaced for form, _ in self._forms)

    def _spans(self, layer: str) -> Iterator[Span]:
        for form, run in self._forms:
            found = run.search(layer) if form in layer else None
            while found:
                yield found.span()
                found = run.search(layer, found.end() - len(form) + 1)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, with those that overlap as one."""
    apart: list[Span] = []
    for start, end in sorted(spans):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def with_masks(text: str, spans: Iterable[Span]) -> str:
    """``text`` with each span replaced by ``***``."""
    pieces, at = [], 0
    for start, end in merged(spans):
        pieces += [text[at:start], MASK]
        at = end
    return "".join(pieces) + text[at:]


def _run(form: str) -> re.Pattern[str]:
    """Finds a key, with as many repetitions of its pattern behind it as there are.

    A key that is one pattern over and over overlaps itself at each repetition. Wherever else a key overlaps itself is
    in its second half; so a search that begins anew for that does so at most once in half a key.
    """
    period = next(length for length in range(1, len(form) + 1) if form.startswith(form[length:]))
    return re.compile(f"{re.escape(form)}(?:{re.escape(form[-period:])})*+")


def _spaced(text: str) -> str:
    """The text with a space for each plus, which stands for one in a URL."""
    return text.replace("+", " ")


class _Meanings(dict[str, str]):
    """Escape, or run of escapes -> what it stands for; each is worked out once."""

    def __missing__(self, escape: str) -> str:
        if escape[0] == "%":
            meaning = bytes.fromhex(escape.replace("%", "")).decode()
        elif escape[0] == "\\":
            by_number = escape[1] == "u"
            meaning = bytes.fromhex(escape.replace("\\u00", "")).decode() if by_number else escape[1::2]
        elif escape[1] != "#":
            meaning = html5[escape[1:]]
        else:
            number = re.search(rf"[xX]0*({_HEX})|#0*({_DECIMAL})", escape)
            assert number is not None, "every escape of this kind has a number"
            meaning = chr(int(number[1], 16) if number[1] else int(number[2]))
        self[escape] = meaning
        return meaning
