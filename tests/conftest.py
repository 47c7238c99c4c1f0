"""Fixtures of all tests; Azurite starts only where a test asks for storage, once a process."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from dataflow_poller.master_keys import MasterKey, MasterKeys
from local.azurite import Clock, azurite_with_clock

CANARY = "canary&+/%=key-of-the-tests"
"""A master key with all that is easily mishandled."""

SLOWER = 4
"""How much slower than the contract's bounds a hostile text may be here: coverage is measured, on a machine that may be
busy. What is not linear is slower by tens of times."""

OTHER_KEY = "another-key-of-the-tests"

settings.register_profile("fast", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100)
settings.register_profile("large", settings.get_profile("fast"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Clock]]:
    """Azurite, one a process: its connection string, and its clock, which tests move forward."""
    folder: Path = tmp_path_factory.mktemp("azurite")
    with azurite_with_clock(folder) as storage:
        yield storage


@pytest.fixture(scope="session")
def connection_string(storage: tuple[str, Clock]) -> str:
    return storage[0]


@pytest.fixture(scope="session")
def clock(storage: tuple[str, Clock]) -> Clock:
    return storage[1]


@pytest.fixture
def keys() -> MasterKeys:
    return MasterKeys({"default": MasterKey(CANARY)}, {})
