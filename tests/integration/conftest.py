"""The app as a whole, with storage of its own for each test."""

from collections.abc import Iterator

import pytest

from local.endpoint import StandIn
from tests.conftest import CANARY, OTHER_KEY
from tests.scenario import Scenario, scenario


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn(keys={CANARY, OTHER_KEY}) as stand_in:
        yield stand_in


@pytest.fixture
def app(connection_string: str, stand_in: StandIn) -> Iterator[Scenario]:
    with scenario(connection_string, stand_in) as app:
        yield app
