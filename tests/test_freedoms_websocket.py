"""No case of `websocket` and `deflate` accuses a server of what the documents let it do."""

from __future__ import annotations

import pytest

from sockproof.conformance.shelf.case import Case
from tests import freedoms_run, mutants_run, sample
from tests.progress import HUNG
from tests.servers import freedoms as switches
from tests.servers import tls

pytestmark = pytest.mark.timeout(HUNG)
KIND = "websocket"
DAYS = 6  # until each freedom has had its turn
SHARE = 8  # a freedom meets one in so many cases then, and those about TLS all of theirs
PAIRS, SHARE_OF_A_PAIR = 6, 12

FREEDOMS = freedoms_run.freedoms(KIND)


def drawn(purpose: str, share: int, over_tls: bool, days: int = 1) -> list[Case]:
    """Today's cases, those that need TLS or the others."""
    chosen = [case for case in mutants_run.cases(KIND) if ("tls" in case.needs) == over_tls]
    return sample.rotating(chosen, share, purpose, lambda case: case.id, days)


@pytest.mark.parametrize("name", sample.rotating(sorted(FREEDOMS), DAYS, f"{KIND} freedoms"))
def test_no_case_accuses_a_freedom(name: str) -> None:
    taken = [FREEDOMS[name]]
    if taken[0].file == "websocket/tls.toml":
        found = freedoms_run.complaints(KIND, taken, drawn("", 1, over_tls=True))
    else:
        found = freedoms_run.complaints(
            KIND, taken, drawn(name, SHARE, over_tls=False, days=DAYS), strict=True
        )
    assert not found, "\n".join([sample.said(), *found])


@pytest.mark.parametrize("number", range(PAIRS))
def test_no_case_accuses_two_freedoms_together(number: int) -> None:
    able = [each for _, each in sorted(FREEDOMS.items()) if each.file != "websocket/tls.toml"]
    pair = sample.chance(f"pair {number}").sample(able, 2)
    chosen = drawn(f"pair {number}", SHARE_OF_A_PAIR, over_tls=False)
    found = freedoms_run.complaints(KIND, pair, chosen, strict=True)
    names = " and ".join(each.name for each in pair)
    assert not found, "\n".join([f"{names}; {sample.said()}", *found])


def test_every_freedom_is_in_a_server_and_described() -> None:
    assert set(FREEDOMS) == {*switches.SWITCHES, *tls.FREEDOMS}
