"""The application's side of a connection: its connect and disconnect handlers run once each."""

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, StreamClosed, Target, case, close_frame
from sockproof.wire.socketio import Packet, PacketType

ALL = {"transport": ("websocket", "polling", "upgrade")}
NEEDS = {"fixture", "log", "slow-timers"}


def _expect_types(entries: list[dict[str, Any]], **wanted: int) -> None:
    """The log holds so many entries of each type."""
    types = (entry.get("type") for entry in entries)
    found = Counter(each for each in types if each in ("connect", "disconnect"))
    if found != Counter(wanted):
        raise Failure(f"log entries {wanted}", f"{dict(found)}: {entries!r:.300}")


@case("sio-connect-handler-once", needs={"fixture", "log"}, over=ALL)
async def connect_handler_runs_once_for_a_client(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.quiet()
    _expect_types((await peer.proof("log"))["entries"], connect=1)


@case("sio-connect-handler-once", needs={"fixture", "log"})
async def connect_handler_is_told_the_namespace_the_sid_and_the_payload(target: Target) -> None:
    peer = await target.socketio()
    auth = {"user": target.unique("jo")}
    sid = await peer.enter("/custom", auth)
    entries = (await peer.proof("log", sid=sid))["entries"]
    _expect_types(entries, connect=1)
    told = {name: entries[0].get(name) for name in ("namespace", "sid", "auth")}
    wanted = {"namespace": "/custom", "sid": sid, "auth": peer.contract.credentials(auth)}
    if told != wanted:
        raise Failure(repr(wanted), repr(told))


# The ways in which a connection ends, and what makes it end.


async def _leaves(peer: SocketIOPeer, _other: SocketIOPeer) -> None:
    await peer.send(Packet(PacketType.DISCONNECT))


async def _is_put_out(peer: SocketIOPeer, other: SocketIOPeer) -> None:
    await other.proof("disconnect", sid=peer.sid)


async def _closes_the_session(peer: SocketIOPeer, _other: SocketIOPeer) -> None:
    await peer.engine.say_goodbye()


async def _closes_the_websocket(peer: SocketIOPeer, _other: SocketIOPeer) -> None:
    assert peer.engine.websocket is not None
    peer.engine.websocket.send(close_frame(1000))
    with contextlib.suppress(StreamClosed, Failure):
        await peer.engine.websocket.receive()  # the server's Close frame
    peer.engine.websocket.stream.close()


async def _ends_tcp(peer: SocketIOPeer, _other: SocketIOPeer) -> None:
    assert peer.engine.websocket is not None
    peer.engine.websocket.stream.close()


async def _resets_tcp(peer: SocketIOPeer, _other: SocketIOPeer) -> None:
    assert peer.engine.websocket is not None
    peer.engine.websocket.stream.reset()


End = Callable[[SocketIOPeer, SocketIOPeer], Awaitable[None]]
ENDS: dict[str, End] = {
    "disconnect-packet": _leaves,
    "server": _is_put_out,
    "close-packet": _closes_the_session,
    "close-frame": _closes_the_websocket,
    "end-of-tcp": _ends_tcp,
    "reset-of-tcp": _resets_tcp,
}


async def _judge_end(target: Target, transport: str, end: str) -> None:
    """The application hears of one end of the client's connection to each namespace."""
    peer, other = await target.connect_socketio(2, transport)
    await peer.quiet()  # an upgrade is complete by now
    await ENDS[end](peer, other)
    wanted = "one disconnect in the log, soon"
    with target.awaits(wanted):
        entries = await other.entries(peer.sid)
    await other.engine.passes()  # a second one would have come by now
    entries = await other.entries(peer.sid)
    _expect_types(entries, connect=1, disconnect=1)
    entry = next(entry for entry in entries if entry["type"] == "disconnect")
    if (entry.get("namespace"), entry.get("sid")) != ("/", peer.sid) or not entry.get("reason"):
        raise Failure(f"a disconnect of {peer.sid} in '/' with a reason", repr(entry))


@case(
    "sio-disconnect-handler-once",
    needs={*NEEDS, "disconnect"},
    over={"transport": ("websocket", "polling", "upgrade"), "end": ("disconnect-packet", "server")},
)
async def disconnect_handler_runs_once_when_a_namespace_is_left(
    target: Target, transport: str, end: str
) -> None:
    await _judge_end(target, transport, end)


@case("sio-disconnect-handler-once", needs=NEEDS, over=ALL)
async def disconnect_handler_runs_once_after_a_close_packet(target: Target, transport: str) -> None:
    await _judge_end(target, transport, "close-packet")


@case("sio-disconnect-handler-once", needs=NEEDS, over={"transport": ("websocket", "upgrade")})
async def disconnect_handler_runs_once_after_a_close_frame(target: Target, transport: str) -> None:
    await _judge_end(target, transport, "close-frame")


@case(
    "rooms-abrupt-close-once",
    needs=NEEDS,
    over={"transport": ("websocket", "upgrade"), "end": ("end-of-tcp", "reset-of-tcp")},
)
async def disconnect_handler_runs_once_when_tcp_ends(
    target: Target, transport: str, end: str
) -> None:
    await _judge_end(target, transport, end)


@case(
    "sio-disconnect-handler-every-namespace",
    needs={*NEEDS, "websocket"},
    over={"end": ("close-frame", "close-packet", "reset-of-tcp")},
)
async def end_of_a_connection_is_told_in_each_of_its_namespaces(target: Target, end: str) -> None:
    peer, other = await target.connect_socketio(2)
    there = await peer.enter("/custom")
    await ENDS[end](peer, other)
    with target.awaits("a disconnect in the log of each namespace"):
        for sid, namespace in ((peer.sid, "/"), (there, "/custom")):
            entries = await other.entries(sid)
            _expect_types(entries, connect=1, disconnect=1)
            if {entry.get("namespace") for entry in entries} != {namespace}:
                raise Failure(f"entries of {namespace}", repr(entries)[:300])


@case("sio-disconnect-handler-once", needs={"fixture", "log"})
async def leaving_one_namespace_is_not_told_as_the_end_of_another(target: Target) -> None:
    peer = await target.socketio()
    there = await peer.enter("/custom")
    await peer.disconnect("/custom")
    with target.awaits("a disconnect in the log of /custom"):
        _expect_types(await peer.entries(there), connect=1, disconnect=1)
    _expect_types((await peer.proof("log"))["entries"], connect=1)


@case(
    "sio-disconnect-handler-timeout",
    needs={"fixture", "log", "fast-timers"},
    limit=lambda interval, timeout: 8 + 2 * (interval + timeout),
)
async def disconnect_handler_runs_once_after_a_ping_timeout(target: Target) -> None:
    peer, other = await target.connect_socketio(2)
    peer.engine.answer_pings = False
    with target.awaits("one disconnect in the log, after the ping timeout"):
        entries = await other.entries(peer.sid)
    _expect_types(entries, connect=1, disconnect=1)
