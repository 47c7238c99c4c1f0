"""The documents of the stand-in, as the service writes them, oddities of its printed samples included.

Wrong weekdays, seven fractional digits with an offset, `dataSource` beside `datasource`, `xsi:nil`.
"""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

NAMESPACE = "http://schemas.microsoft.com/search/local/ws/rest/v1"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_PACIFIC = timezone(timedelta(hours=-8))
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Job = dict[str, Any]
"""A DataflowJob with the JSON names; dates are datetimes, absent ones None."""


def envelope(
    status: int, job: Job | None, output: str, *, credentials: str = "ValidCredentials", errors: tuple[str, ...] = ()
) -> bytes:
    """A whole answer: with a job, or with none."""
    write = _xml if output == "xml" else _json
    descriptions = {
        200: "OK",
        201: "Created",
        400: "Bad Request",
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found",
    }
    return write(
        {
            "statusCode": status,
            "statusDescription": descriptions.get(status, "Error"),
            "authenticationResultCode": credentials,
            "errorDetails": list(errors),
            "traceId": "0e9a1c7a94f64b5cb4ce1a0b3ffb9d4e|stand-in",
        },
        job,
    )


def _json(head: dict[str, Any], job: Job | None) -> bytes:
    resources = (
        [{key: _http_date(value) if isinstance(value, datetime) else value for key, value in job.items()}]
        if job
        else []
    )
    sets = [{"estimatedTotal": len(resources), "resources": resources}] if job else []
    return json.dumps({**head, "copyright": "", "brandLogoUri": "", "resourceSets": sets}).encode()


def _http_date(date: datetime) -> str:
    wrong_day = _DAYS[(date.weekday() + 2) % 7]
    return f"{wrong_day}, {date.astimezone(UTC):%d %b %Y %H:%M:%S} GMT"


def _xml(head: dict[str, Any], job: Job | None) -> bytes:
    root = Element("Response", xmlns=NAMESPACE)
    for name, value in head.items():
        child = SubElement(root, _pascal(name))
        if isinstance(value, list):
            for text in value:
                SubElement(child, "string").text = text
        else:
            child.text = str(value)
    sets = SubElement(root, "ResourceSets")
    if job:
        resource_set = SubElement(sets, "ResourceSet")
        SubElement(resource_set, "EstimatedTotal").text = "1"
        _xml_job(SubElement(SubElement(resource_set, "Resources"), "DataflowJob"), job)
    return b'<?xml version="1.0" encoding="utf-8"?>' + tostring(root)


def _xml_job(element: Element, job: Job) -> None:
    for name, value in job.items():
        if name == "links":
            for link in value:
                SubElement(element, "Link", role=link["role"], name=link["name"]).text = link["url"]
        elif value is None:
            SubElement(element, _pascal(name), {_XSI: "true"})
        elif isinstance(value, datetime):
            SubElement(element, _pascal(name)).text = f"{value.astimezone(_PACIFIC):%Y-%m-%dT%H:%M:%S.%f}9-08:00"
        else:
            SubElement(element, _pascal(name)).text = str(value)


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]
