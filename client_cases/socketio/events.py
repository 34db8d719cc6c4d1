"""Socket.IO protocol, section "Sending and receiving data", from the client's side."""

from sockproof.clients import TRANSPORTS, case


@case("client-sio-event-received", over={"transport": TRANSPORTS})
async def event_reaches_its_handler_and_is_answered(client, transport):
    client.setup(transport)
    session = await client.session()
    session.emit("message", "one", 2, {"three": [None, True]}, b"\x00\xff")
    await session.expect_event("message-back", "one", 2, {"three": [None, True]}, b"\x00\xff")
    await client.seen(
        "event", "/", name="message", args=["one", 2, {"three": [None, True]}, b"\x00\xff"]
    )
