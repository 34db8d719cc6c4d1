"""The chat keeps what the rooms of Socket.IO promise."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sockproof_target(sockproof_serve):
    return sockproof_serve.wsgi("chat:app", env={"SOCKPROOF": "1"}, cwd=Path(__file__).parent)


@pytest.mark.sockproof(cases=["rooms/membership/*left*", "rooms/membership/*leave_undoes*"])
def test_rooms(sockproof_case):
    sockproof_case.check()
