"""Socket.IO protocol: names of events, also those that are words of a client's own."""

from typing import Any

from sockproof.clients import (
    Failure,
    SocketIOSession,
    SocketIOVisitor,
    StreamClosed,
    Unsupported,
    case,
)
from sockproof.wire import engineio

NAMES = {
    "empty": "",
    "blank": " ",
    "scripts": "Привет 你好 \U0001f600",
    "punctuation": '"\\/,:[]{}1-2',
    "control": "\x00\n\x1e",
    "long": "name" * 2500,
    "digits": "42",
    "star": "*",
    "proto": "__proto__",
    "constructor": "constructor",
    "to-string": "toString",
    "has-own-property": "hasOwnProperty",
    "error": "error",
    "open": "open",
    "close": "close",
    "ping": "ping",
    "packet": "packet",
    "reconnect": "reconnect",
    "end": "end",
    "init": "__init__",
}
LIFECYCLE = ("connect", "connect_error", "disconnect")
OF_EMITTERS = ("disconnecting", "newListener", "removeListener", "connecting", "connect_timeout")
PING = engineio.Packet(engineio.PacketType.PING)
PASSED_OVER = "the event passed over, or handled as one, or the connection closed"


@case("client-sio-event-name", over={"name": tuple(NAMES)})
async def event_reaches_the_application_by_its_name(client: SocketIOVisitor, name: str) -> None:
    session = await client.session()
    plain = client.word()
    session.emit(plain, "plain")
    session.emit(NAMES[name], "named", 7)
    await session.fence()
    told = [(each["name"], each["args"]) for each in client.events()]
    if (plain, ["plain"]) not in told:
        raise Unsupported("a driver that reports events of any name", "it does not")
    told.remove((plain, ["plain"]))
    if told != [(NAMES[name], ["named", 7])]:
        raise Failure(f"one event {NAMES[name]!r:.60} with 'named' and 7", f"{told!r:.200}")


@case("client-sio-event-name-sent", over={"name": tuple(NAMES)})
async def emitted_event_leaves_under_its_name(client: SocketIOVisitor, name: str) -> None:
    session = await client.session()
    session.do("emit", event=NAMES[name], args=["named", 7])
    await session.expect_event(NAMES[name], "named", 7)


@case("client-sio-event-name-number", over={"name": ("7", "0", "-1", "0.5")})
async def event_whose_name_is_a_number_leaves_nobody_deaf(
    client: SocketIOVisitor, name: str
) -> None:
    session = await client.session()
    session.send_messages(f'2[{name},"numbered"]')
    if await session.goes_on(PASSED_OVER):
        handled = "handled" if client.events() else "passed over"
        client.context.notes.append(("an event whose name is a number", handled))
    else:
        client.context.notes.append(("an event whose name is a number", "closes the connection"))


@case("client-sio-event-name-invalid", over={"name": ("null", "true", "{}", '["message"]')})
async def event_without_a_proper_name_leaves_nobody_deaf(
    client: SocketIOVisitor, name: str
) -> None:
    session = await client.session()
    session.send_messages(f'2[{name},"odd"]')
    wanted = "the event passed over, or the connection closed"
    if await session.goes_on(wanted) and client.events():
        client.context.non_strict(wanted, f"{client.events()[0]!r:.200}")


@case(
    "client-sio-event-name-lifecycle",
    over={"name": (*LIFECYCLE, *OF_EMITTERS), "count": (0, 1)},
)
async def event_that_bears_the_name_of_a_report_is_not_taken_for_one(
    client: SocketIOVisitor, name: str, count: int
) -> None:
    session = await client.settled()
    begun = len(_told(client))
    session.emit(name, *["io server disconnect"][:count])
    await _no_report(client, session, begun, "/")


@case("client-sio-event-name-lifecycle", over={"name": LIFECYCLE})
async def event_of_such_a_name_ends_nothing_in_another_namespace(
    client: SocketIOVisitor, name: str
) -> None:
    client.setup(namespaces=("/", "/custom"))
    session = await client.settled()
    begun = len(_told(client))
    session.emit(name, "spoofed", namespace="/custom")
    await _no_report(client, session, begun, "/custom")


def _told(client: SocketIOVisitor) -> list[dict[str, Any]]:
    return [each for each in client.reports if each["type"] in LIFECYCLE]


async def _no_report(
    client: SocketIOVisitor, session: SocketIOSession, begun: int, namespace: str
) -> None:
    """Nothing was reported but, by a client that closed the connection for it, its end."""
    wanted = "no report for an event of the server"
    if not await session.goes_on(PASSED_OVER, namespace) and namespace not in session.left:
        told = _told(client)[begun:]
        with client.context.awaits(f"the end of the session, which is reported as {told[0]}"):
            session.engine.send(PING)  # who answers that goes on
            try:
                got = await session.engine.receive()
            except StreamClosed:
                return
        raise Failure(wanted, f"{told[0]!r:.200}, and the client goes on: {got}")
    told = [each for each in _told(client)[begun:] if each["type"] != "disconnect"]
    told += _told(client)[begun:] if namespace not in session.left else []
    if told:
        raise Failure(wanted, f"{told[0]!r:.200}")
