"""Hiding keys: however a key is escaped, it is found and masked; all else stays; and it takes no longer than the text is long."""

import html
import json
import re
import time
from collections.abc import Callable
from html.entities import html5
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dataflow_poller.redaction import MAX_FOUND, Redaction

from .conftest import CANARY, OTHER_KEY, SLOWER

ODD = CANARY + " \"\\<>';"
REDACTION = Redaction([ODD, CANARY, OTHER_KEY])

NAMES = {meaning: name.rstrip(";") for name, meaning in html5.items() if re.fullmatch("[ -~]", meaning)}


def test_a_text_that_is_nothing_but_keys_is_hidden_whole() -> None:
    """To hide each of a million would take long."""
    keys = Redaction([CANARY])
    assert keys.mask((CANARY + " ") * MAX_FOUND) == "*** " * MAX_FOUND
    assert keys.mask((CANARY + " ") * (MAX_FOUND + 1)) == "***"


def every(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form.format(ord(character)) for character in text)


def named(text: str) -> str:
    return "".join(f"&{NAMES[character]};" if character in NAMES else character for character in text)


def bare_references(text: str) -> str:
    """What HTML bears: no semicolon where none is needed."""
    return re.sub('[&<>"]', lambda found: "&" + NAMES[found[0]].lower(), text)


def in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def in_json_for_html(text: str) -> str:
    return re.sub("[<>&'\"+`]", lambda found: f"\\u{ord(found[0]):04X}", text.replace("\\", "\\\\"))


def from_json(text: str) -> str:
    found = json.loads(f'"{text}"')
    assert isinstance(found, str)
    return found


STYLES: list[tuple[Callable[[str], str], Callable[[str], str]]] = [
    (quote, unquote),
    (lambda text: quote(text, safe=""), unquote),
    (lambda text: quote(text, safe="").lower(), unquote),
    (lambda text: quote(text, safe=";,/?:@&=+$!~*'()#"), unquote),
    (every("%{:02X}"), unquote),
    (quote_plus, unquote_plus),
    (in_json, from_json),
    (in_json_for_html, from_json),
    (lambda text: in_json(text).replace("/", "\\/"), from_json),
    (every("\\u{:04x}"), from_json),
    (html.escape, html.unescape),
    (named, html.unescape),
    (bare_references, html.unescape),
    (every("&#{};"), html.unescape),
    (every("&#{:05}"), html.unescape),
    (every("&#x{:X};"), html.unescape),
    (every("&#X{:04x}"), html.unescape),
]
"""Ways to escape a text, as programs do it, each with its undoing."""


@pytest.mark.parametrize("outer", range(len(STYLES)))
@pytest.mark.parametrize("inner", range(len(STYLES)))
def test_a_key_is_masked_in_every_escape_within_every_other(inner: int, outer: int) -> None:
    """A URL in JSON, HTML in a URL, JSON in JSON: nothing of the key stays, and all else stays to the letter."""
    (escape, unescape), (escape_again, unescape_again) = STYLES[inner], STYLES[outer]
    text = escape_again(escape(f"before {ODD} after"))
    assert REDACTION.found_in(text)
    assert unescape(unescape_again(REDACTION.mask(text))) == "before *** after"


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=16, max_size=40),
    st.lists(st.sampled_from(STYLES), max_size=4),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_any_key_is_masked_in_any_escapes_several_deep(
    key: str, styles: list[tuple[Callable[[str], str], Callable[[str], str]]], before: str, after: str
) -> None:
    """No character of a key is special, whatever stands before and behind it."""
    text = plain = f"{before} {key} {after}"
    assume(plain.count(key) == 1)
    assume(styles == [] or (plain.isascii() and plain.isprintable()))
    for escape, _ in styles:
        text = escape(text)
    undone = text
    for _, unescape in reversed(styles):
        undone = unescape(undone)
    assume(undone == plain)
    masked = Redaction([key]).mask(text)
    assert Redaction([key]).found_in(text)
    for _, unescape in reversed(styles):
        assert key not in masked
        masked = unescape(masked)
    assert key not in masked
    if len(set(key)) > 8 and "\\" not in key:  # Others may seem to begin within the escape before them (`%20`).
        assert masked == f"{before} *** {after}"


@given(st.text() | st.text('%&#;x0125aAmp\\u"+4 ', max_size=60))
def test_any_text_without_a_key_stays_to_the_letter(text: str) -> None:
    """Nothing but keys is masked, however many escapes there are."""
    assert REDACTION.mask(text) == text
    assert not REDACTION.found_in(text)


@pytest.mark.parametrize(
    "near",
    [
        CANARY[:-1],
        CANARY[1:],
        CANARY.upper(),
        CANARY[:9] + "x" + CANARY[9:],
        quote(CANARY)[:-1],
        CANARY.replace("&", "&amp;")[1:],
    ],
)
def test_what_is_almost_a_key_stays(near: str) -> None:
    """A text is not harmed for being like a key."""
    assert REDACTION.mask(f"a{near}b {near}") == f"a{near}b {near}"


@pytest.mark.parametrize(("keys", "text", "masked"), [
    (["abcdefghijklmnop"], "abcdefghijklmnop, abcdefghijklmnop", "***, ***"),
    (["abcdefghijklmnop", "abcdefghijklmnopqrst"], "abcdefghijklmnopqrst", "***"),
    (["abcdefghijklmnop", "efghijklmnopqrst"], "-abcdefghijklmnopqrst-", "-***-"),
    (["abcdefghijklmnop", "efghijklmnopqrst"], "-abcdefgh%69jklmn%6Fpqrst-", "-***-"),
    (["abcdefghijklmnop", "efghijklmnopq&st"], "-abcdefghijklmnopq&amp;st-", "-***-"),
    (["a" * 16], "b" + "a" * 40 + "b", "b***b"),
    (["ab" * 8], "-" + "ab" * 12 + "a-", "-***a-"),
    (["abcabcabcabcabcab"], "-abcabcabcabcabcabcabcabcabcab-", "-***-"),
    (["aabaabaacaabaabaa"], "-aabaabaacaabaabaacaabaabaa-", "-***-"),
    (["%41%41%41%41%41%41"], "AAAAAA %41%41%41%41%41%41 %2541%2541%2541%2541%2541%2541", "AAAAAA *** ***"),
    (["\\" * 16], "\\" * 15 + " " + "\\" * 40, "\\" * 15 + " ***"),
    (["abc+def+ghi+jkl+"], "abc%2Bdef%2Bghi%2Bjkl%2B abc def ghi jkl ", "*** ***"),
    (["abc def ghi jkl 012"], "abc+def+ghi+jkl+012", "***"),
])  # fmt: skip
def test_keys_that_overlap_in_a_text_leave_no_rest(keys: list[str], text: str, masked: str) -> None:
    """Of keys within or over each other, or a key over itself, nothing stays; and of what surrounds them, all."""
    assert Redaction(keys).mask(text) == masked


def test_without_keys_nothing_is_masked() -> None:
    """No key is not a key that is found everywhere."""
    assert Redaction([]).mask("text") == "text"
    assert not Redaction([]).found_in("text")


MANY_KEYS = Redaction(
    [CANARY, "a" * 16, "ab" * 20, "%" * 16, "\\" * 20, "&amp;" * 8, "\\u0041%41&#65;", "a" * 300 + "b"]
)
DEEP = in_json(quote(html.escape(quote(in_json(html.escape(CANARY))))))
HOSTILE = {
    "backslashes": "\\",
    "escaped backslashes": "\\\\a",
    "quotes": '"',
    "escaped quotes": '\\"x',
    "percent signs": "%",
    "escaped percent signs": "%25",
    "a percent sign escaped again and again": "%" + "25" * 2**19,
    "many of those": "%25252525",
    "ampersands": "&",
    "ampersands escaped again and again": "&" + "amp;" * 2**18,
    "beginnings of references": "&#",
    "long references": "&#" + "0" * 400 + "65;",
    "names that are none": "&l",
    "escapes of several kinds": "%41&#65;\\u0041",
    "escapes within others": "%5c\\u0025&#x5c;",
    "almost a key": CANARY[:-1],
    "almost a key of one letter": "a" * 15 + "b",
    "almost an escaped key": quote(quote(CANARY, safe=""))[:-1],
    "keys": CANARY,
    "keys one over the other": "a",
    "escaped keys": quote(CANARY, safe=""),
    "keys deep in escapes": DEEP,
    "those among beginnings of escapes": DEEP + "&l" * 200,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("redaction", [REDACTION, MANY_KEYS], ids=["a few keys", "odd keys"])
def test_hiding_keys_takes_no_longer_than_the_text_is_long(kind: str, redaction: Redaction) -> None:
    """Nobody can stop the service with a text: a mebibyte takes less than half a second of processor time."""
    tries: list[float] = []
    while len(tries) < 3 and (not tries or min(tries) > 0.5 * SLOWER):
        text = (str(len(tries)) + HOSTILE[kind] * (2**20 // len(HOSTILE[kind]) + 1))[: 2**20]
        began = time.process_time()
        redaction.mask(text)
        tries.append(time.process_time() - began)
    assert min(tries) < 0.5 * SLOWER
