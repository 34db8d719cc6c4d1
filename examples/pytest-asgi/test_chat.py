"""The chat keeps what the rooms of Socket.IO promise, and does so under load."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sockproof_target(sockproof_serve):
    return sockproof_serve.asgi("chat:app", env={"SOCKPROOF": "1"}, cwd=Path(__file__).parent)


@pytest.mark.sockproof(
    cases=["rooms/membership/*left*", "rooms/membership/*leave_undoes*"], expect=["known.toml"]
)
def test_rooms(sockproof_case):
    sockproof_case.check()


def test_what_is_said_in_a_room_stays_there(sockproof_load):
    summary = sockproof_load("visitors.py", users=8, run_time=3, drain=2)
    assert summary.generator.fit, summary.generator.reasons
    assert summary.counts["lost"] == 0
    assert summary.counts["leaked"] == 0, summary.examples["leaked"]
