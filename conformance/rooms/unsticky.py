"""Room R35: several server processes behind one address, without sticky sessions."""

import json

from sockproof.conformance import Failure, Target, case
from sockproof.wire import WireError, engineio
from sockproof.wire.socketio import Packet, PacketType

EVENTS = 20
LIMIT = 20  # seconds: most requests reach a process that does not know the session


@case("rooms-cluster-not-sticky", needs={"unsticky"}, limit=LIMIT)
async def request_that_reaches_another_process_is_refused_and_nothing_is_lost(
    target: Target,
) -> None:
    """A POST is answered with 400, or what it brings is heard exactly once."""
    session = target.engineio()
    with target.preparing("an Engine.IO session over long-polling", connecting=True):
        await session.open_polling()

    async def ask(method: str, body: bytes = b"") -> bytes:
        """Repeat a request until it reaches the session's process."""
        while True:
            if method == "GET":
                response = await session.poll()
            else:
                response = await session.post(body)
            if response.status == 200:
                return response.body
            if response.status != 400:
                raise Failure("200 or 400", f"{response}: {response.body[:100]!r}", came=response)

    connect, _ = Packet(PacketType.CONNECT, "/", target.server.auth).encode()
    await ask("POST", f"4{connect}".encode())
    for number in range(EVENTS):
        await ask("POST", b'42["message",%d]' % number)
    heard: list[int] = []
    with target.awaits(f"what {EVENTS} POSTs brought that were answered with 200"):
        while len(heard) < EVENTS:
            heard += numbers(await ask("GET"))
    if sorted(heard) != list(range(EVENTS)):
        raise Failure(f"the events 0 to {EVENTS - 1}, each once", repr(sorted(heard)))


def numbers(body: bytes) -> list[int]:
    """What the `message-back` events of a payload carry."""
    try:
        packets = engineio.decode_payload(body)
        texts = [str(each.data) for each in packets if each.type == engineio.PacketType.MESSAGE]
        events = [json.loads(text[1:]) for text in texts if text.startswith("2")]
        return [event[1] for event in events if event[0] == "message-back"]
    except (WireError, ValueError, LookupError) as error:
        raise Failure("a payload of events", f"{body[:100]!r}: {error}") from error
