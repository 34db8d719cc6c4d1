"""Real WebSocket clients: the library websocket-client, and Chromium's own WebSocket."""

import asyncio
from pathlib import Path

from sockproof.conformance import Failure, case
from sockproof.conformance.checks.real_client import WEBSOCKET_CLIENTS, carried, open_client

DRIVERS = Path(__file__).parent / "drivers"
LIMIT = 60  # seconds: a browser takes its time to start
SOON = 3.0  # seconds in which a client that is wrong here has to hear of it
OVER = {"client": list(WEBSOCKET_CLIENTS)}
MESSAGES = ["Grüße, 你好, 😀", {"$bin": list(range(256))}, "long " * 10_000]


@case("clients-websocket", needs={"echo"}, exclusive=True, limit=LIMIT, over=OVER)
async def client_has_its_messages_back_and_closes_cleanly(target, client):
    more = carried(target, client)
    driven, relay = await open_client(target, client, DRIVERS)
    url = f"ws://127.0.0.1:{relay.port}{target.address.target}"
    await driven.do(connecting(client), url=url, **more)
    for message in MESSAGES:
        answer = await driven.do("echo", message=message)
        if answer["message"] != message:
            raise Failure(str(message)[:80], str(answer["message"])[:80])
    answer = await driven.do("close")
    if answer["code"] != 1000:
        raise Failure("Close 1000", answer)


@case("clients-mismatch", needs={"polling"}, exclusive=True, limit=LIMIT, over=OVER)
async def plain_websocket_client_is_turned_away_by_a_socketio_server(target, client):
    more = carried(target, client)
    driven, relay = await open_client(target, client, DRIVERS)
    wanted = "the handshake refused soon"
    with target.awaits(wanted):
        try:
            async with asyncio.timeout(SOON):
                url = f"ws://127.0.0.1:{relay.port}{target.engineio_path}"
                await driven.do(connecting(client), url=url, **more)
        except Failure:
            return
        except TimeoutError:
            raise Failure(wanted, f"nothing within {SOON:g} s") from None
    raise Failure(wanted, "the WebSocket is open")


def connecting(client):
    """The command for it: a page has two kinds of client."""
    return "plain-connect" if client == "chromium" else "connect"
