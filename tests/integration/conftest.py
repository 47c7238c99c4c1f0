"""The app as a whole, with storage of its own for each test."""

from collections.abc import Iterator

import pytest

from local.azurite import Clock
from local.endpoint import StandIn
from tests.conftest import CANARY, OTHER_KEY
from tests.scenario import Scenario, scenario
from tests.storage_proxy import StorageProxy


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn(keys={CANARY, OTHER_KEY}) as stand_in:
        yield stand_in


@pytest.fixture
def proxy(connection_string: str) -> Iterator[StorageProxy]:
    with StorageProxy(connection_string) as proxy:
        yield proxy


@pytest.fixture
def flaky(connection_string: str, clock: Clock, proxy: StorageProxy, stand_in: StandIn) -> Iterator[Scenario]:
    """The app with storage that may fail; the test itself looks past the proxy."""
    with scenario(connection_string, stand_in, clock, JobStorage=proxy.connection_string) as app:
        yield app


@pytest.fixture
def app(connection_string: str, clock: Clock, stand_in: StandIn) -> Iterator[Scenario]:
    with scenario(connection_string, stand_in, clock) as app:
        yield app
