"""Log lines and errors' texts: they fit, they are JSON, and a cut leaves as much as there is room for."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.errors import ClaimLost, PollerError, StorageError
from dataflow_poller.log import RunLog, fields_as_json, logger
from dataflow_poller.master_keys import MasterKey, MasterKeys
from dataflow_poller.texts import MAX_LINE, cut

KEY = "a-key-of-sixteen-letters"


@pytest.fixture
def written() -> Iterator[io.BytesIO]:
    """What a handler writes, in strict UTF-8: it raises where a line does not encode."""
    stream = io.BytesIO()
    handler = logging.StreamHandler(io.TextIOWrapper(stream, "utf-8", write_through=True))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def no_lost_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that fails is an error of the test."""

    def fail(_: logging.Handler, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage())

    monkeypatch.setattr(logging.Handler, "handleError", fail)


def mask(text: str) -> str:
    return text.replace(KEY, "***")


def line_of(stream: io.BytesIO) -> str:
    [line] = stream.getvalue().decode().splitlines()
    return line


def test_letters_and_symbols_stand_as_they_are(written: io.BytesIO) -> None:
    """A person reads them; an escape would be six characters of the line."""
    RunLog(mask).warning("row written", errorMessage='緯度が範囲外です。 é😀 "\\', polls=3, share=0.5, queued=None)
    assert line_of(written) == (
        'row written {"errorMessage": "緯度が範囲外です。 é😀 \\"\\\\", "polls": 3, "share": 0.5, "queued": null}'
    )


def test_what_would_break_a_line_is_escaped_and_half_a_surrogate_pair_is_replaced(written: io.BytesIO) -> None:
    """A line stays one line, encodes, and is JSON."""
    RunLog(mask).error("internal error", reason="a\r\n\0\x85\u2028\u2029\x7f\ud800b")
    line = line_of(written)
    assert line == 'internal error {"reason": "a\\r\\n\\u0000\\u0085\\u2028\\u2029\\u007f\ufffdb"}'
    assert json.loads(line.removeprefix("internal error ")) == {"reason": "a\r\n\0\x85\u2028\u2029\x7f\ufffdb"}


def test_a_long_text_is_cut_and_says_so(written: io.BytesIO) -> None:
    """Application Insights would drop the end without a word."""
    RunLog(mask).info("row written", jobId="a", errorMessage="x" * 1_000_000, polls=3)
    line = line_of(written)
    assert len(line) == MAX_LINE
    fields = json.loads(line.removeprefix("row written "))
    assert fields["errorMessage"].strip("x") == "…"
    assert fields["errorMessage"].endswith("…")
    assert (fields["jobId"], fields["polls"]) == ("a", 3)


def test_a_line_that_just_fits_is_whole() -> None:
    """One code point more, and it is cut."""
    whole = fields_as_json({"a": "x" * 90}, 100)
    assert whole == '{"a": "' + "x" * 90 + '"}'
    assert fields_as_json({"a": "x" * 91}, len(whole)) == '{"a": "' + "x" * 89 + '…"}'


def test_the_longest_texts_are_cut_to_one_measure_and_the_others_stay() -> None:
    """What is short says most a letter."""
    fields = json.loads(
        fields_as_json({"a": "a" * 20_000, "b": "b" * 50, "c": "c" * 7_000, "d": "d" * 9_000}, MAX_LINE)
    )
    assert len(fields["a"]) == len(fields["d"]) > 4_400
    assert fields["b"] == "b" * 50
    assert len(fields["c"]) == len(fields["a"])


def test_a_key_is_masked_before_a_text_is_cut(written: io.BytesIO) -> None:
    """Wherever the cut falls, no part of a key is left; what the fields put together is masked, too."""
    for begin in range(15_800, 16_000):
        RunLog(mask).info("row written", errorMessage="x" * begin + KEY + "x" * 100, other={"nested": KEY})
    lines = written.getvalue().decode().splitlines()
    assert len(lines) == 200
    for line in lines:
        assert not set(line.removeprefix("row written ")) & set("k-f")
        assert "***" in line


def test_more_fields_than_a_line_can_hold_lose_the_last() -> None:
    """There is no such line; if there ever is, it fits."""
    fields = json.loads(fields_as_json({f"{number}": "x" for number in range(10_000)}, MAX_LINE))
    assert fields["0"]
    assert list(fields) == [str(number) for number in range(len(fields))]
    assert fields_as_json({"x" * 20_000: "x"}, MAX_LINE) == "{}"


texts = st.text(st.characters(codec=None), max_size=500).flatmap(
    lambda text: st.sampled_from([1, 100, 10_000]).map(lambda times: text * times)
)
names = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=30)
values = texts | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()


@given(st.dictionaries(names, values, max_size=20))
def test_every_line_fits_and_is_json(fields: dict[str, Any]) -> None:
    """Whatever is in the fields; and a text that is cut keeps a hundred code points."""
    text = fields_as_json(fields, MAX_LINE - 30)
    assert len(text) <= MAX_LINE - 30
    assert len(text.splitlines()) == 1
    text.encode()
    read = json.loads(text)
    assert list(read) == list(fields)
    for name, value in fields.items():
        if not isinstance(value, str):
            assert read[name] == value
            continue
        sound = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in value)
        shown = read[name].removesuffix("…")
        assert sound.startswith(shown)
        assert shown == sound or len(shown) >= 100


@pytest.mark.parametrize("kind", [PollerError, StorageError, ClaimLost])
def test_an_errors_text_is_cut(kind: type[PollerError]) -> None:
    """Whoever logs it, the end is not dropped without a word."""
    assert str(kind("x" * MAX_LINE)) == "x" * MAX_LINE
    assert str(kind("x" * 1_000_000)) == "x" * (MAX_LINE - 1) + "…"


@given(st.text(), st.integers(1, 50))
def test_a_cut_text_says_that_it_is_cut(text: str, length: int) -> None:
    """And keeps all that there is room for."""
    short = cut(text, length)
    assert len(short) == min(len(text), length)
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_a_line_stays_sound_json_where_a_key_reaches_over_its_signs(caplog: pytest.LogCaptureFixture) -> None:
    """A key with a quotation mark at its end would take away the one that ends a text."""
    keys = MasterKeys({"default": MasterKey('abcdefghijklmnopq"')}, {})
    with caplog.at_level("INFO"):
        RunLog(keys.mask).info("poll finished", reason="abcdefghijklmnopq", jobs=1)
    assert json.loads(caplog.messages[-1].removeprefix("poll finished ")) == {"reason": "***", "jobs": "***"}
