"""The body of a status response, JSON or XML -> one kind of document. Pure.

JSON and XML carry the same envelope, in camelCase and PascalCase. Both are read into dictionaries with
lower-case names, so that one piece of code makes sense of either.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

Document = dict[str, Any]
"""Names in lower case -> values as JSON has them."""

MAX_ELEMENTS = 20_000
"""Tags of XML, or objects of JSON. The service's answers have a few dozen; a body full of them takes long to read."""

_NAMESPACE = "{http://schemas.microsoft.com/search/local/ws/rest/v1}"
_WHITE_BYTES = re.compile(rb"[ \t\r\n]++(?!\0)")  # Not the first byte of white space in UTF-16.
_WHITE = "\N{BYTE ORDER MARK} \t\r\n"
_DECLARATION = re.compile(rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")
_LONGEST_DECLARATION = 1000
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}  # Python's own codecs of text.


class InvalidBody(ValueError):
    """The body is no JSON or XML of the service's form; says in what."""


def read_body(body: bytes) -> Document:
    """Read a body; what it starts with tells XML from JSON.

    Raises:
        InvalidBody: and nothing else, for any bytes.
    """
    try:
        text = _text_of(body)
        if not text:
            raise InvalidBody("the body is empty")
        is_xml = text.startswith("<")
        if text.count("<" if is_xml else "{") > MAX_ELEMENTS:
            raise InvalidBody("the body has more elements than an answer about a job")
        return _read_xml(text) if is_xml else _read_json(text)
    except InvalidBody:
        raise
    except ParseError:
        raise InvalidBody("the body is not well-formed XML") from None
    except RecursionError:
        raise InvalidBody("the body is nested too deep") from None
    except (ValueError, LookupError) as error:
        raise InvalidBody(f"the body does not parse ({type(error).__name__})") from None


def lower(value: object) -> Document:
    """A document with its names in lower case; empty for what is none."""
    return {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def _text_of(body: bytes) -> str:
    """The text without what may stand before a document. Its first bytes tell UTF-16 and UTF-32; else XML declares."""
    if white := _WHITE_BYTES.match(body):
        body = body[white.end() :]
    encoding: str = json.detect_encoding(body)
    declaration = _DECLARATION.match(body, 0, _LONGEST_DECLARATION) if encoding == "utf-8" else None
    if declaration:
        declared = codecs.lookup(declaration[1].decode()).name
        if declared in _NO_CHARSETS:
            raise LookupError(declared)
        if not declared.startswith(("utf-16", "utf-32")):  # .NET declares the encoding of its strings, sent as UTF-8.
            encoding = declared
    return body.decode(encoding, "surrogatepass").lstrip(_WHITE)


def _read_json(text: str) -> Document:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise InvalidBody("the body is not a JSON object")
    return lower(document)


def _read_xml(text: str) -> Document:
    root = fromstring(text, forbid_dtd=True)
    if root.tag != _NAMESPACE + "Response":
        raise InvalidBody("the body is not the service's XML")
    document: Document = {name: child.text for name, child in _children(root)}
    lists = {name: list(child) for name, child in _children(root)}
    document["errordetails"] = [detail.text for detail in lists.get("errordetails", [])] or document.get("errordetails")
    document["resourcesets"] = [
        {
            "resources": [
                _xml_resource(job) for name, jobs in _children(resources) if name == "resources" for job in jobs
            ]
        }
        for resources in lists.get("resourcesets", [])
    ]
    return document


def _xml_resource(job: Element) -> Document:
    links = [{**child.attrib, "url": child.text} for name, child in _children(job) if name == "link"]
    return {"links": links} | {name: child.text for name, child in _children(job) if name != "link"}


def _children(element: Element) -> Iterator[tuple[str, Element]]:
    """The children in the service's namespace, each with its name in lower case."""
    for child in element:
        if isinstance(child.tag, str) and child.tag.startswith(_NAMESPACE):
            yield child.tag.removeprefix(_NAMESPACE).lower(), child
