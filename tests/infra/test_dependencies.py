"""Each resource waits for those that it needs."""

import copy

import pytest

from .conftest import Recording
from .dependencies import missing

pytestmark = pytest.mark.xdist_group("program")  # Its recordings are made once a process.


def test_each_resource_waits_for_those_that_it_needs(recording: Recording) -> None:
    """At the first try, in whatever order Azure is done."""
    assert missing(recording.resources) == []


@pytest.mark.parametrize(("who", "what"), [
    ("WebApp", "PrivateDnsZoneGroup"), ("WebApp", "VirtualNetworkLink"), ("WebApp", "RoleAssignment"),
    ("ScheduledQueryRule", "Command"), ("Command", "WebApp"), ("PrivateEndpoint", "PrivateEndpoint"),
])  # fmt: skip
def test_what_does_not_wait_is_found(everything: Recording, who: str, what: str) -> None:
    """The walk sees a dependency that is not there."""
    resources = copy.deepcopy(everything.resources)
    for resource in resources:
        # Nobody depends on it any more, directly or by others.
        if not resource["type"].endswith(f":{what}"):
            resource["depends_on"] = [urn for urn in resource["depends_on"] if f":{what}::" not in urn]
    for resource in resources:
        if resource["type"].endswith(f":{who}"):
            resource["depends_on"] = [urn for urn in resource["depends_on"] if f":{what}::" not in urn]
    assert any(f":{who} " in line and f":{what} " in line for line in missing(resources))
