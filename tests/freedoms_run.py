"""Running cases against a correct server that takes some of the freedoms which the documents leave.

A freedom is described in `tests/freedoms/SUITE/FILE.toml`:

    [greets]
    what = "The event `welcome` comes right behind CONNECT."
    section = "Socket.IO 5, Sending and receiving data"
    lacks = ["echo"]                    # capabilities, or names of SEVERAL, not there by right
    unsupported = ["rooms/names/*"]     # globs, or how many at most; none without it
    non_strict = ["*at_once*"]          # cases about what a document only recommends
    given = { auth = { token = "…" } }  # what a user would tell of such a server
    switch = "another-name"             # of the server, where it is not the freedom's own

The servers are asked what they offer by the preflight of a real run. Nobody may be accused:
no FAIL, no INCONCLUSIVE, and no more UNSUPPORTED or NON_STRICT than the freedom says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from sockproof.conformance.capabilities.room import jobs_for
from sockproof.conformance.peers.tls import Trust
from sockproof.conformance.preflight import Unreachable, introduce
from sockproof.conformance.running.runner import Plan
from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.expectations import glob_matches
from sockproof.conformance.shelf.profile import Profile
from sockproof.conformance.targets.server import Server
from sockproof.runs.records import CaseRecord
from sockproof.wire.url import Address
from tests.faults import described
from tests.mutants_run import JOBS, LIMIT, PATIENCE, requirements
from tests.progress import run_while_it_goes_on
from tests.servers import socketio_fixture, tls
from tests.servers.free_server import FreeServer
from tests.servers.websocket_server import WebSocketServer

FREEDOMS = Path(__file__).parent / "freedoms"
ACCUSING = ("FAIL", "INCONCLUSIVE")
OPERATIONS = frozenset({*socketio_fixture.CAPABILITIES, "cluster"})  # which `info` tells
SEVERAL = {  # capabilities that are lacked together
    "operations": OPERATIONS,
    "contract": {"fixture", "auth", *OPERATIONS},
    "any echo": {"fixture", "auth", "message-echo", *OPERATIONS},
    "socket.io": {"socketio", "fixture", "auth", *OPERATIONS},
}


@dataclass(frozen=True)
class Freedom:
    """One thing that a server or an application may do."""

    name: str
    file: str
    what: str
    section: str
    lacks: tuple[str, ...] = ()
    unsupported: tuple[str, ...] | int = ()
    non_strict: tuple[str, ...] = ()
    given: dict[str, Any] = field(default_factory=dict, hash=False)
    switch: str = ""

    @property
    def switched(self) -> str:
        """The name that the server knows it by."""
        return self.switch or self.name


@cache
def freedoms(kind: str) -> dict[str, Freedom]:
    """The freedoms of a kind by name."""
    return {
        name: Freedom(name, file, **{key: _fixed(table[key]) for key in table})
        for name, file, table in described(FREEDOMS, kind)
    }


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# Servers.


@asynccontextmanager
async def _socketio(names: frozenset[str], given: dict[str, Any]) -> AsyncIterator[list[Server]]:
    """A server with slow timers, one with fast ones, and one of two processes."""
    fast = {"ping_interval": 1000, "ping_timeout": 1000}
    path = given.pop("path", "/")
    async with AsyncExitStack() as stack:
        made = [FreeServer(names), FreeServer(names, **fast), FreeServer(names, processes=2)]
        urls = [(await stack.enter_async_context(server)).url for server in made]
        where = [Address.parse(url.removesuffix("/") + path) for url in urls]
        servers = [Server(address, Profile(), **given) for address in where]
        yield [(await introduce(server, LIMIT, JOBS)).server for server in servers]


@asynccontextmanager
async def _websocket(names: frozenset[str], given: dict[str, Any]) -> AsyncIterator[list[Server]]:
    """A server without TLS, and one with it where a freedom of TLS is taken."""
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(WebSocketServer(freedoms=sorted(names)))
        servers = [_as_named(plain.url, **given)]
        if names & set(tls.FREEDOMS):
            secured = await stack.enter_async_context(tls.TlsServer(freedoms=names))
            trust = Trust(secured.certificates.ca)
            named = _as_named(secured.url, **given)
            servers.append(replace(named, trust=trust, tls=trust.context()))
        yield [(await introduce(server, LIMIT, JOBS)).server for server in servers]


def _as_named(
    url: str,
    path: str = "/",
    user: str | None = None,
    subprotocol: str | None = None,
    headers: Mapping[str, str] | None = None,
    limits: Mapping[str, int] | None = None,
) -> Server:
    """The server as a user names it who knows what it wants."""
    url = url.removesuffix("/") + path
    url = url if user is None else url.replace("//", f"//{user}@", 1)
    return Server(
        Address.parse(url),
        Profile(limits=limits or {}),
        headers=tuple((headers or {}).items()),
        subprotocols=() if subprotocol is None else (subprotocol,),
    )


Serving = Callable[[frozenset[str], dict[str, Any]], AbstractAsyncContextManager[list[Server]]]
SERVED: dict[str, Serving] = {"socketio": _socketio, "websocket": _websocket}


async def _run(
    kind: str, several: Sequence[Freedom], chosen: Sequence[Case], limit: float = LIMIT
) -> list[CaseRecord]:
    records: list[CaseRecord] = []
    names = frozenset(each.switched for each in several)
    given = {key: value for each in several for key, value in each.given.items()}
    async with SERVED[kind](names, given) as servers:
        jobs = jobs_for([each.room for each in servers], JOBS)
        plan = Plan(servers, requirements(), limit=limit, jobs=jobs)
        await run_while_it_goes_on(list(chosen), plan, records.append)
    return [record for record in records if record.aside is None]


_PLAIN: dict[str, str] = {}  # outcomes on the server that takes no freedom


def _plain(kind: str, chosen: Iterable[Case]) -> dict[str, str]:
    """The outcomes of these cases on the server that takes no freedom."""
    new = [case for case in chosen if case.id not in _PLAIN]
    if new:
        _PLAIN.update((each.id, each.outcome) for each in asyncio.run(_run(kind, [], new)))
    return _PLAIN


# Judging.


def complaints(
    kind: str,
    several: Sequence[Freedom],
    chosen: Sequence[Case],
    strict: bool = False,
    once: bool = False,
) -> list[str]:
    """Run the cases against freedoms together; whatever they are accused of, a line each.

    Where it is `strict`, NON_STRICT is one, too, and what is so without any freedom is none. What
    only time may have done is run once more by itself: an accusation shows again.
    """
    try:
        records = asyncio.run(_run(kind, several, chosen))
        doubtful = {each.id for each in records if _is_doubtful(each)}
        if doubtful:
            again = [case for case in chosen if case.id in doubtful]
            kept = [each for each in records if each.id not in doubtful]
            records = kept + asyncio.run(_run(kind, several, again, PATIENCE))
    except Unreachable as turned_away:  # which the command tells with exit code 2
        if any("*" in _globs(each) for each in several):
            return []
        if not once:  # sessions of a second may end while a busy machine asks
            return complaints(kind, several, chosen, strict, once=True)
        return [f"turned away: {turned_away}"]
    if strict:
        lacks = {capability for each in several for capability in each.lacks}
        odd = {each.id for each in records if each.outcome != "PASS"}
        known = _plain(kind, [c for c in chosen if c.id in odd and not c.needs & lacks])
        records = [each for each in records if each.outcome != known.get(each.id)]
    lines = [*_accusations(records), *_missing(records, several, chosen)]
    return [*lines, *_strictness(records, several)] if strict else lines


def _is_doubtful(record: CaseRecord) -> bool:
    waited = record.outcome in ("FAIL", "UNSUPPORTED") and record.timed_out
    return waited or record.outcome == "INCONCLUSIVE"


def _accusations(records: Iterable[CaseRecord]) -> list[str]:
    return [
        f"{each.id}: {each.outcome}: expected {each.expected} | got {each.got}"
        for each in records
        if each.outcome in ACCUSING
    ]


def _strictness(records: Iterable[CaseRecord], several: Sequence[Freedom]) -> list[str]:
    """What is NON_STRICT although no freedom says so."""
    globs = [glob for each in several for glob in each.non_strict]
    return [
        f"{each.id}: NON_STRICT: expected {each.expected} | got {each.got}"
        for each in records
        if each.outcome == "NON_STRICT" and not any(glob_matches(glob, each.id) for glob in globs)
    ]


def _missing(
    records: Iterable[CaseRecord], several: Sequence[Freedom], chosen: Sequence[Case]
) -> list[str]:
    """What is UNSUPPORTED although no freedom says so."""
    globs = [glob for each in several for glob in _globs(each)]
    lacks = {capability for each in several for capability in each.lacks}
    lacks |= {capability for name in lacks for capability in SEVERAL.get(name, ())}
    explained = {case.id for case in chosen if case.needs & lacks}
    allowed = sum(each.unsupported for each in several if isinstance(each.unsupported, int))
    missing = [
        f"{each.id}: UNSUPPORTED: {each.expected} | {each.got}"
        for each in records
        if each.outcome == "UNSUPPORTED"
        and each.id not in explained
        and not any(glob_matches(glob, each.id) for glob in globs)
    ]
    return missing if len(missing) > allowed else []


def _globs(freedom: Freedom) -> tuple[str, ...]:
    return freedom.unsupported if isinstance(freedom.unsupported, tuple) else ()
