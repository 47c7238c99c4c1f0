"""The body of a status response, JSON or XML -> JobStatus. Pure.

JSON and XML carry the same envelope, in camelCase and PascalCase. Both are read into dictionaries with
lower-case names, so that one piece of code makes sense of either. Whatever is of an unexpected type counts as
missing: a string where a number belongs costs that number, not the answer.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

STATES = ("Pending", "Completed", "Aborted")

NAMESPACE = "{http://schemas.microsoft.com/search/local/ws/rest/v1}"


class InvalidBody(ValueError):
    """The body is no JSON or XML of the service's form; says in what."""


@dataclass(frozen=True)
class JobStatus:
    """What the service says of one job.

    Attributes:
        state: `Pending`, `Completed` or `Aborted`; any other word as it stands; empty where there is none.
        data_source_url: the link of role `dataSource`; empty where there is none.
        error_log_url: the link of role `output` named `failed`; empty where there is none.
        trace_id: of the request, for the service's support.
    """

    state: str
    data_source_url: str = ""
    error_log_url: str = ""
    description: str = ""
    error_message: str = ""
    trace_id: str = ""
    created: datetime | None = None
    completed: datetime | None = None
    total_entities: int | None = None
    processed_entities: int | None = None
    failed_entities: int | None = None


@dataclass(frozen=True)
class Envelope:
    """What every answer of the service is wrapped in."""

    authentication_result_code: str = ""
    error_details: list[str] = field(default_factory=list)
    trace_id: str = ""
    resources: list[dict[str, Any]] = field(default_factory=list)

    def job(self, job_id: str) -> JobStatus | None:
        """The status of that job, or None where the answer is not about it."""
        for resource in self.resources:
            if _text(resource.get("id")).casefold() == job_id.casefold():
                return _job_status(resource, self.trace_id)
        return None


def read_envelope(body: bytes) -> Envelope:
    """Read a body; what it starts with tells XML from JSON.

    Raises:
        InvalidBody: and nothing else, for any bytes.
    """
    try:
        document = _read_xml(body) if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _read_json(body)
    except InvalidBody:
        raise
    except ParseError:
        raise InvalidBody("the body is not well-formed XML") from None
    except RecursionError:
        raise InvalidBody("the body is nested too deep") from None
    except (ValueError, LookupError) as error:
        raise InvalidBody(f"the body does not parse ({type(error).__name__})") from None
    return Envelope(
        authentication_result_code=_text(document.get("authenticationresultcode")),
        error_details=[detail for detail in map(_text, _list(document.get("errordetails"))) if detail],
        trace_id=_text(document.get("traceid")),
        resources=[
            _lower(resource)
            for resource_set in _list(document.get("resourcesets"))
            for resource in _list(_lower(resource_set).get("resources"))
        ],
    )


def _read_json(body: bytes) -> dict[str, Any]:
    document = json.loads(body)
    if not isinstance(document, dict):
        raise InvalidBody("the body is not a JSON object")
    return _lower(document)


def _read_xml(body: bytes) -> dict[str, Any]:
    root = fromstring(body, forbid_dtd=True)
    if root.tag != NAMESPACE + "Response":
        raise InvalidBody("the body is not the service's XML")
    document: dict[str, Any] = {name: child.text for name, child in _children(root)}
    lists = {name: list(child) for name, child in _children(root)}
    document["errordetails"] = [detail.text for detail in lists.get("errordetails", [])]
    document["resourcesets"] = [
        {
            "resources": [
                _xml_resource(job) for name, jobs in _children(resources) if name == "resources" for job in jobs
            ]
        }
        for resources in lists.get("resourcesets", [])
    ]
    return document


def _xml_resource(job: Element) -> dict[str, Any]:
    links = [{**child.attrib, "url": child.text} for name, child in _children(job) if name == "link"]
    return {"links": links} | {name: child.text for name, child in _children(job) if name != "link"}


def _children(element: Element) -> Iterator[tuple[str, Element]]:
    """The children in the service's namespace, each with its name in lower case."""
    for child in element:
        if isinstance(child.tag, str) and child.tag.startswith(NAMESPACE):
            yield child.tag.removeprefix(NAMESPACE).lower(), child


def _job_status(resource: dict[str, Any], trace_id: str) -> JobStatus:
    state = _text(resource.get("status"))
    known = {known.casefold(): known for known in STATES}
    links = [_lower(link) for link in _list(resource.get("links"))]
    return JobStatus(
        state=known.get(state.casefold(), state),
        data_source_url=_link(links, "datasource"),
        error_log_url=_link(links, "output", "failed"),
        description=_text(resource.get("description")),
        error_message=_text(resource.get("errormessage")),
        trace_id=trace_id,
        created=_date(_text(resource.get("createddate"))),
        completed=_date(_text(resource.get("completeddate"))),
        total_entities=_count(resource.get("totalentitycount")),
        processed_entities=_count(resource.get("processedentitycount")),
        failed_entities=_count(resource.get("failedentitycount")),
    )


def _link(links: list[dict[str, Any]], role: str, name: str | None = None) -> str:
    """The first link of that role; the reference writes roles in several cases."""
    for link in links:
        named = name is None or _text(link.get("name")).casefold() == name
        if _text(link.get("role")).casefold() == role and named and (url := _text(link.get("url"))):
            return url
    return ""


def _lower(value: object) -> dict[str, Any]:
    return {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _text(value)
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20 else None


def _date(text: str) -> datetime | None:
    """``Sat, 13 Nov 2010 20:58:39 GMT``, whatever the weekday, or ISO 8601 with any number of fractional digits."""
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            date = parse(text)
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
