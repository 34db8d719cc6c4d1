"""Hostile servers: the harness ends in time, holds no more than it may, and calls nothing well."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests import sample
from tests.background import echo, running, websockets
from tests.hostile.run import CLIENTS, command, run, watched
from tests.hostile.shelf import STAGES, load

SHELF = load()
ROOM = 64  # MiB beyond what an honest run takes
RUNS = [
    (name, client, transport)
    for name, hostile in SHELF.items()
    for client in CLIENTS
    for transport in hostile.transports
]
pytestmark = pytest.mark.timeout(480)


@cache
def honest(client: str, folder: str) -> float:
    """What a run against a server that behaves takes, in MiB."""
    with running(websockets(echo)) as port:
        ended = watched(command(client, "plain", port, folder))
    assert ended.code is not None
    return ended.mib


@pytest.mark.parametrize(
    ("name", "client", "transport"), sample.rotating(RUNS, len(RUNS) // 5, "hostile")
)
def test_harness_survives(
    name: str, client: str, transport: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ended = run(SHELF[name], client, transport)
    assert ended.code is not None, "it did not end"
    assert "Traceback" not in ended.output
    allowed = (0, 1, 2) if SHELF[name].harmless or client == "conformance" else (1, 2)
    assert ended.code in allowed, ended.output
    folder = str(tmp_path_factory.getbasetemp() / f"honest-{client}")
    assert ended.mib < honest(client, folder) + ROOM


def test_shelf_holds_what_its_table_says() -> None:
    table = Path(__file__).parents[1] / "docs" / "hostile-servers.md"
    rows = re.findall(r"^\| `([a-z0-9_]+)` \| (.*?) \| (.*?) \| (\d+) \|", table.read_text(), re.M)
    told = {name: (does, stages, int(count)) for name, does, stages, count in rows}
    found: dict[str, tuple[str, str, int]] = {}
    for name, hostile in SHELF.items():
        file = name.partition("[")[0]
        _, stages, count = found.get(file, ("", "", 0))
        all_stages = dict.fromkeys([*filter(None, stages.split(", ")), hostile.stage])
        found[file] = (hostile.does, ", ".join(all_stages), count + 1)
    assert told == found


def test_every_stage_has_a_misbehaviour() -> None:
    assert {hostile.stage for hostile in SHELF.values()} == set(STAGES)
    assert len(SHELF) >= 150
