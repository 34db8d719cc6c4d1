"""No case accuses an Engine.IO or Socket.IO server of what the documents let it do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sockproof.conformance.shelf.case import Case
from tests import freedoms_run, mutants_run, sample
from tests.freedoms_run import Freedom
from tests.progress import HUNG

pytestmark = pytest.mark.timeout(HUNG)
KIND = "socketio"
DAYS = 6  # until each freedom has had its turn
SHARE = 24  # a freedom meets one in so many cases when it has its turn
PAIRS, SHARE_OF_A_PAIR = 4, 8
CHOICES = (  # files of which a server takes one freedom at a time
    "engineio/transports.toml",
    "engineio/handshake.toml",
)
FREEDOMS = freedoms_run.freedoms(KIND)


def drawn(purpose: str, share: int, days: int = 1) -> list[Case]:
    """Today's cases."""
    return sample.rotating(mutants_run.cases(KIND), share, purpose, lambda case: case.id, days)


@pytest.mark.parametrize("name", sample.rotating(sorted(FREEDOMS), DAYS, f"{KIND} freedoms"))
def test_no_case_accuses_a_freedom(name: str) -> None:
    found = freedoms_run.complaints(KIND, [FREEDOMS[name]], drawn(name, SHARE, DAYS))
    assert not found, "\n".join([sample.said(), *found])


@pytest.mark.parametrize("number", range(PAIRS))
def test_no_case_accuses_two_freedoms_together(number: int) -> None:
    pair = _pair(number)
    found = freedoms_run.complaints(KIND, pair, drawn(f"pair {number}", SHARE_OF_A_PAIR))
    # Two together may lack more than the sum of both: a greeting beyond a small limit.
    accused = [line for line in found if ": UNSUPPORTED: " not in line]
    names = " and ".join(each.name for each in pair)
    assert not accused, "\n".join([f"{names}; {sample.said()}", *accused])


def _pair(number: int) -> list[Freedom]:
    """Two freedoms that one server can take."""
    dice = sample.chance(f"pair {number}")
    while True:
        pair = dice.sample([each for _, each in sorted(FREEDOMS.items())], 2)
        files = {each.file for each in pair}
        switches = {each.switched for each in pair}
        if len(switches) == 2 and (len(files) == 2 or not files & set(CHOICES)):
            return pair


def test_every_freedom_is_in_a_server() -> None:
    servers = (Path(__file__).parent / "servers").glob("free*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in servers)
    known = set(re.findall(r'"([a-z0-9-]+)"', source))
    known |= {f"has-{transport}-alone" for transport in ("websocket", "polling")}
    assert {each.switched for each in FREEDOMS.values()} - known == set()
