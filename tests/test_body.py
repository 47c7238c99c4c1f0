"""Bodies: JSON and XML in every encoding that they may have, and anything else is InvalidBody."""

import codecs
import json
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.body import MAX_ELEMENTS, InvalidBody, read_body

from .conftest import SLOWER

NAMESPACE = "http://schemas.microsoft.com/search/local/ws/rest/v1"


def xml(declared: str, text: str = "é") -> str:
    """A document with one text; without a declaration where none is named."""
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return f'{declaration}<Response xmlns="{NAMESPACE}"><TraceId>{text}</TraceId></Response>'


@pytest.mark.parametrize(
    ("declared", "encoding", "mark"),
    [
        ("", "utf-8", b""),
        ("", "utf-8", codecs.BOM_UTF8),
        ("utf-8", "utf-8", codecs.BOM_UTF8),
        ("UTF-8", "utf-8", b""),
        ("iso-8859-1", "latin-1", b""),
        ("windows-1252", "cp1252", b""),
        ("utf-16", "utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16", "utf-16-be", codecs.BOM_UTF16_BE),
        ("UTF-16", "utf-16-le", b""),
        ("utf-16", "utf-16-be", b""),
        ("utf-16le", "utf-16-le", b""),
        ("", "utf-16-le", codecs.BOM_UTF16_LE),
        ("", "utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32", "utf-32-le", codecs.BOM_UTF32_LE),
    ],
)
@pytest.mark.parametrize("white", ["", "\r\n", " \t\r\n" * 1000])
def test_xml_is_read_in_the_encoding_that_it_declares(declared: str, encoding: str, mark: bytes, white: str) -> None:
    """With a byte-order mark or without, with white space before it or without: before the mark or after it."""
    text = xml(declared)
    assert read_body(mark + (white + text).encode(encoding))["traceid"] == "é"
    if mark or "16" not in encoding:  # White space in ASCII, as a server on the way may put it before any document.
        assert read_body(white.encode() + mark + text.encode(encoding))["traceid"] == "é"


def test_xml_may_be_in_an_encoding_of_several_bytes_a_letter() -> None:
    """Which the XML parser alone would refuse."""
    for encoding in ("Shift_JIS", "EUC-JP", "GB18030", "Big5"):
        assert read_body(xml(encoding, "座標").encode(encoding))["traceid"] == "座標"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("white", ["", "\r\n", " \t\r\n" * 1000])
def test_json_is_read_in_every_encoding_of_unicode(encoding: str, white: str) -> None:
    """Its first bytes tell which."""
    assert read_body((white + '{"TraceId": "é"}').encode(encoding)) == {"traceid": "é"}


@pytest.mark.parametrize(
    "declared",
    ["nonsense", "rot13", "base64", "punycode", "idna", "unicode_escape", "undefined", "ascii"],
)
def test_xml_that_is_not_in_the_encoding_that_it_declares_is_an_invalid_body(declared: str) -> None:
    """A guess could be wrong."""
    with pytest.raises(InvalidBody):
        read_body(xml(declared).encode())


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body is empty"),
        (b" \r\n\t", "the body is empty"),
        (codecs.BOM_UTF8, "the body is empty"),
        (b"null", "the body is not a JSON object"),
        (b"[]", "the body is not a JSON object"),
        (b"5", "the body is not a JSON object"),
        (b'"x"', "the body is not a JSON object"),
        (b"{", "the body does not parse (JSONDecodeError)"),
        (b'{"a": "\xff"}', "the body does not parse (UnicodeDecodeError)"),
        (b"\xff\xfe{\x00", "the body does not parse (JSONDecodeError)"),
        (b"\xff\xfe{", "the body does not parse (UnicodeDecodeError)"),
        (b'{"a":' + b"1" * 5000 + b"}", "the body does not parse (ValueError)"),
        (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "the body is nested too deep"),
        (b"<html><body>Proxy</body></html>", "the body is not the service's XML"),
        (b"<Response/>", "the body is not the service's XML"),
        (b'<Response xmlns="http://example.com/"/>', "the body is not the service's XML"),
        (f'<Other xmlns="{NAMESPACE}"/>'.encode(), "the body is not the service's XML"),
        (b"<Response", "the body is not well-formed XML"),
        (b"<", "the body is not well-formed XML"),
        (xml("utf-8", "\0").encode(), "the body is not well-formed XML"),
        (xml("nonsense").encode(), "the body does not parse (LookupError)"),
        (b'<!DOCTYPE r [<!ENTITY e "x">]><Response>&e;</Response>', "the body does not parse (DTDForbidden)"),
        (b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x"><Response/>', "the body does not parse (DTDForbidden)"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_what_is_not_of_the_services_form_is_an_invalid_body(body: bytes, why: str) -> None:
    """One error for all of it, which says in what and quotes nothing of the body."""
    with pytest.raises(InvalidBody) as caught:
        read_body(body)
    assert str(caught.value) == why


def test_elements_of_other_namespaces_mean_nothing() -> None:
    """An extension of somebody's is not the service's word."""
    body = xml("utf-8").replace("<TraceId>", '<x:TraceId xmlns:x="https://example.com">odd</x:TraceId><TraceId>')
    assert read_body(body.encode())["traceid"] == "é"


@pytest.mark.parametrize("declared", ["utf-16", "UTF-16LE", "utf-32"])
def test_xml_that_declares_the_encoding_of_a_string_and_is_sent_as_utf_8_is_read(declared: str) -> None:
    """.NET writes the encoding of its strings into the declaration, whatever is sent."""
    assert read_body(xml(declared).encode())["traceid"] == "é"


def test_a_deep_xml_document_stays_an_ordinary_one() -> None:
    """Depth is no way to stop a run."""
    assert read_body(xml("utf-8", "<a>" * 9_000 + "</a>" * 9_000).encode())["traceid"] is None


@pytest.mark.parametrize(
    "body", [xml("utf-8", "<a/>" * MAX_ELEMENTS), '{"resourceSets": [' + "{}," * MAX_ELEMENTS + "{}]}"]
)
def test_a_body_full_of_elements_is_not_read(body: str) -> None:
    """It would take long, and is no answer about a job."""
    with pytest.raises(InvalidBody, match="more elements"):
        read_body(body.encode())


MEBIBYTE = 1024 * 1024
HOSTILE = [
    b'<?xml version="1.0" ' + b"encoding " * (MEBIBYTE // 9),
    b"<?xml " + b" " * MEBIBYTE,
    b" " * MEBIBYTE,
    b"\r\0" * (MEBIBYTE // 2),
    b"\r" * MEBIBYTE + b"\0",
    b'<?xml version="1.0" encoding="punycode"?>-' + b"a" * MEBIBYTE,
    b'{"a":"' + b"\\" * MEBIBYTE,
    b'{"a":"' + b"\\u0041" * (MEBIBYTE // 6) + b'"}',
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:40]))
def test_a_hostile_body_takes_time_in_proportion_to_it(body: bytes) -> None:
    """A mebibyte of whatever costs no more than a second of a slow processor."""
    began = process_time()
    with suppress(InvalidBody):
        read_body(body)
    assert process_time() - began < SLOWER


@given(st.binary() | st.text().map(str.encode) | st.text().map(lambda text: f"<{text}>".encode()))
def test_any_bytes_are_read_or_invalid(body: bytes) -> None:
    """The parser raises nothing but its own error."""
    with suppress(InvalidBody):
        read_body(body)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20), st.binary())
def test_any_declared_encoding_is_read_or_invalid(declared: str, rest: bytes) -> None:
    """Python knows many encodings; none of them raises anything else."""
    with suppress(InvalidBody):
        read_body(f'<?xml version="1.0" encoding="{declared}"?>'.encode() + rest)


@given(st.sampled_from(sorted({codecs.lookup(name).name for name in ("utf-8", "utf-16", "utf-32")})), st.text())
def test_any_text_of_a_json_string_is_read_in_any_unicode(encoding: str, text: str) -> None:
    """What was written is read."""
    document = json.dumps({"a": text}, ensure_ascii=False)
    with suppress(UnicodeEncodeError):
        assert read_body(document.encode(encoding)) == {"a": text}
