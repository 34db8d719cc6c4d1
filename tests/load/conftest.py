"""What the tests of connections share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sockproof.targets.certificates import Certificates, make_certificates
from tests.load.peers import Hub, watched_hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A test with it must leave no descriptor, no error and no close untold."""
    with watched_hub() as told:
        yield told


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """For localhost and 127.0.0.1."""
    made: Path = tmp_path_factory.mktemp("certificates")
    return make_certificates(made)
