"""Clients on different processes of one server, which share rooms and messages."""

from __future__ import annotations

from sockproof.conformance.context.outcome import Unsupported
from sockproof.conformance.sessions.socketio import SocketIOPeer
from sockproof.conformance.targets.target import Target

MOST_CLIENTS = 16  # that are connected to find some on different processes


async def clients_apart(
    target: Target, count: int = 2, transport: str | None = None, namespace: str | None = None
) -> list[SocketIOPeer]:
    """So many clients; the first is on another process than the rest."""
    if transport == "polling" and not target.supports("polling"):
        raise Unsupported("a cluster with long-polling", "the target does not offer it")
    places: dict[str, list[SocketIOPeer]] = {}
    for _ in range(MOST_CLIENTS):
        peer = await target.socketio(transport, namespace=namespace)
        process = str((await peer.proof("info")).get("process"))
        places.setdefault(process, []).append(peer)
        for name, peers in places.items():
            others = [each for other in places if other != name for each in places[other]]
            if len(others) >= count - 1:
                return [peers[0], *others[: count - 1]]
    got = f"{MOST_CLIENTS} clients on {len(places)} processes"
    raise Unsupported(f"{count} clients on different processes", got)


async def fence_across(speaker: SocketIOPeer, *hearers: SocketIOPeer) -> None:
    """Nothing more came: the next event of each hearer is this one, which goes the same way."""
    await speaker.proof("emit", event="fence", args=[], to=[each.sid for each in hearers])
    for hearer in hearers:
        await hearer.expect_event("fence")
