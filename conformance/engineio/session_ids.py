"""Engine.IO protocol, section "Handshake": whoever knows a session's sid has the session."""

import math
import string
from collections.abc import Sequence
from itertools import takewhile, zip_longest

from sockproof.conformance import Target, case

MANY = 24
BITS = 64  # OWASP, Session Management Cheat Sheet: at least 64 bits of entropy
ALPHABETS = (
    string.digits,
    "0123456789abcdef",
    "0123456789ABCDEF",
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_uppercase,
    string.digits + string.ascii_letters + "+/-_",
)


def _bits(sids: Sequence[str]) -> float:
    """How many bits at most tell these sids apart, by the places at which they differ.

    Counters and clocks differ at few places, whatever is written around them.
    """
    begin = _alike(sids)
    rest = [sid[begin:] for sid in sids]
    end = _alike([each[::-1] for each in rest])
    differing = [each[: len(each) - end] for each in rest]
    places = [set(place) - {""} for place in zip_longest(*differing, fillvalue="")]
    return sum(math.log2(_choices(place)) for place in places if len(place) > 1)


def _alike(sids: Sequence[str]) -> int:
    """With how many characters all of them begin."""
    places = zip(*sids, strict=False)
    return sum(1 for _ in takewhile(lambda place: len(set(place)) == 1, places))


def _choices(place: set[str]) -> int:
    """How many characters may stand where these have stood."""
    fitting = [len(letters) for letters in ALPHABETS if place <= {*letters}]
    return min(fitting, default=128)


def _shown(sids: Sequence[str]) -> str:
    return ", ".join(f"{sid:.40}" for sid in sids[:3])


@case("eio-handshake-sid-unguessable", needs="polling", exclusive=True)
async def sid_of_a_session_cannot_be_guessed_from_others(target: Target) -> None:
    sids = [(await target.connect_engineio("polling")).sid for _ in range(MANY)]
    if (bits := _bits(sids)) < BITS:
        wanted = f"sids that differ in at least {BITS} bits"
        target.non_strict(wanted, f"about {bits:.0f}: {_shown(sids)}")


@case("sio-connect-sid-unguessable", needs={"socketio", "fixture"}, exclusive=True)
async def sid_of_a_client_can_be_guessed_from_others_or_not(target: Target) -> None:
    sids = [(await target.socketio()).sid for _ in range(MANY)]
    told = "cannot be guessed" if _bits(sids) >= BITS else f"can be guessed: {_shown(sids)}"
    target.report("sids of clients", told)
