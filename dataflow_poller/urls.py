"""The service's URLs. Pure.

A load job's status URL is `{endpoint}/REST/v1/Dataflows/LoadDataSource/{jobId}?output={json|xml}&key={masterKey}`;
path and parameter names are without case ("Get Load Data Source Status", Bing Maps Spatial Data Services).
"""

import re
from ipaddress import IPv6Address
from urllib.parse import SplitResult, quote, unquote, urlsplit

PUBLIC_URL = "https://spatial.virtualearth.net"

_JOB_PATH = re.compile(r"(?i)/REST/v1/Dataflows/LoadDataSource/([^/]+)")
_WEB_URL = re.compile(r"(?i)https?://[^/?#:\s][^/?#\s]*([^?#]*)")
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
_PLACE = re.compile(r"(?:(?:[A-Za-z0-9_-]{1,63}\.)*+[A-Za-z0-9_-]{1,63}\.?|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::\d{0,5})?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def status_path(job_id: str, output: str) -> str:
    """Path and query of the status request, without the key."""
    return f"/REST/v1/Dataflows/LoadDataSource/{quote(job_id, safe='')}?output={output}"


def split_url(url: str) -> SplitResult | None:
    """The parts of an absolute http or https URL of printable ASCII without user info; None for anything else.

    The host is a name of letters, digits, hyphens and underscores, or an address: what a client can connect to.
    """
    try:
        parts = urlsplit(url)
        place = _PLACE.fullmatch(parts.netloc)
        if place and place["ipv6"]:
            IPv6Address(place["ipv6"])
        sound = parts.scheme in _DEFAULT_PORTS and place is not None and parts.port != 0
    except ValueError:
        return None
    return parts if sound and re.fullmatch(r"[!-\[\]-~]+", url) else None


def is_https_or_loopback(parts: SplitResult) -> bool:
    """Whether what is sent there cannot be read on the way."""
    return parts.scheme == "https" or _LOOPBACK.fullmatch(parts.hostname or "") is not None


def job_id_of(status_url: str, bing_maps_url: str) -> str:
    """The job id in a status URL, decoded.

    Raises:
        ValueError: the URL is not one of a load job on the endpoint or the public host; says why.
    """
    parts = split_url(status_url)
    if parts is None:
        raise ValueError("the status URL is not a sound http or https URL without user info")
    if not any(_same_place(parts, known) for known in map(split_url, (bing_maps_url, PUBLIC_URL)) if known):
        raise ValueError("the status URL is on another host or port than the endpoint")
    path = _JOB_PATH.fullmatch(parts.path)
    if path is None:
        raise ValueError("the status URL has not the path of a load job")
    return unquote(path[1])


def is_web_url(text: str) -> bool:
    """Whether a text is an absolute http or https URL, in whatever letters."""
    return _WEB_URL.match(text) is not None


def data_source_name(url: str) -> str:
    """The last path segment of a data source URL, decoded; empty where there is none."""
    web = _WEB_URL.match(url)  # `urlsplit` would keep the last URLs that it was given, however long they are.
    return unquote(web[1].rstrip("/").rpartition("/")[2]) if web else ""


def _same_place(url: SplitResult, known: SplitResult) -> bool:
    port = known.port or _DEFAULT_PORTS[known.scheme]
    ports = set(_DEFAULT_PORTS.values()) if port in _DEFAULT_PORTS.values() else {port}
    return url.hostname == known.hostname and (url.port or _DEFAULT_PORTS[url.scheme]) in ports
