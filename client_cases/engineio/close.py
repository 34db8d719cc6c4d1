"""Engine.IO protocol, section "Protocol": how sessions end."""

from sockproof.clients import TRANSPORTS, case


async def ended(client, session):
    """The end has been reported; on a WebSocket a server closes that, too, behind its CLOSE."""
    if session.engine.websocket is not None:
        session.engine.websocket.close()
    await client.seen("disconnect", "/")


@case("client-eio-close-received", over={"transport": TRANSPORTS})
async def close_packet_ends_the_session_and_is_reported(client, transport):
    client.setup(transport)
    session = await client.settled()
    session.engine.close()
    await ended(client, session)


@case("client-eio-payload-received")
async def event_before_close_in_one_answer_is_handled(client):
    await _last_word(client, "polling")


@case("client-eio-message-websocket", over={"transport": ("websocket", "upgrade")})
async def message_before_close_in_one_segment_is_handled(client, transport):
    await _last_word(client, transport)


async def _last_word(client, transport):
    client.setup(transport)
    session = await client.settled()
    session.emit("message", "last")
    session.engine.close()
    await ended(client, session)
    await client.seen("event", "/", name="message", args=["last"])


@case("client-eio-close-sent", over={"transport": TRANSPORTS})
async def client_that_is_closed_tells_the_server(client, transport):
    client.setup(transport)
    session = await client.settled()
    session.do("close")
    await session.expect_ended("CLOSE, or the end of the WebSocket")


@case("client-eio-connection-lost", over={"end": ("fin", "rst", "close", "close-without-code")})
async def lost_websocket_ends_the_session_and_is_reported(client, end):
    client.setup("websocket")
    session = await client.settled()
    websocket = session.engine.websocket
    if end == "fin":
        websocket.visit.end()
    elif end == "rst":
        websocket.visit.reset()
    else:
        websocket.close(1000 if end == "close" else None)
    await client.seen("disconnect", "/")


@case("client-eio-connection-lost", over={"transport": ("polling", "upgrade")})
async def server_that_is_gone_ends_the_session_and_is_reported(client, transport):
    client.setup(transport)
    session = await client.settled()
    session.engine.vanish()
    await client.seen("disconnect", "/")
