"""Whatever an Engine.IO server says while it is asked what it offers, the preflight ends in order.

The server opens sessions over both transports and then says what its script has, a few packets
for each that it hears: any packet, at any moment, well formed or not.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence

import pytest
from aiohttp import WSMsgType, web

from sockproof.conformance.preflight import Introduction, Unreachable, introduce
from sockproof.conformance.targets.server import Server
from sockproof.wire.url import Address
from tests import sample

LIMIT = 0.3  # seconds that the server has for an answer
SCRIPTS = 120
SHARE = 12  # of which one part runs each day
SEPARATOR = "\x1e"

PACKETS = (
    *('40{"sid":"a"}', "40", "40null", "40[]", '40{"sid":5}', '40{"sid":"\\ud800"}', "40{"),
    *('40/other,{"sid":"b"}', '40{"sid":"a","pid":"p"}', '40{"sid":"\\u001b[31m"}'),
    *("44", '44{"message":"no"}', '44"no"', "44null", '44{"message":"\\ud800"}', "44[", "44/x,{}"),
    *("41", "41/other,", "42", "42[]", '42["welcome"]', '42["message-back"]', "42[1]", "42{}"),
    *('42["\\ud800"]', '421["x"]', '42["auth",{}]', '42["auth","\\udc00"]', '42["auth"'),
    *("43", "430[]", "430", "431[null]", "43100[{}]", "43-1[]", "4399999999999999999999[]"),
    *('43100[{"sid":"a","capabilities":["join"]}]', '43101[{"capabilities":5}]', "43100[[]]"),
    *('451-["x",{"_placeholder":true,"num":0}]', "45-", "459999999-[]", "461-0[]", "bAAAA", "b!"),
    *("46", "47", "4", "0", '0{"sid":"again"}', "1", "2", "3", "2probe", "3probe", "5", "6", "9"),
    *("", "x", "\x00", "\ufffe", "4" * 5000, "42" + "[" * 50_000, "4" + "0" * 30 + "{}"),
)
OPENING = {"upgrades": ["websocket"], "pingInterval": 25000, "pingTimeout": 20000}


def script_of(number: int) -> list[list[str]]:
    """What is said, one list after the other."""
    dice = random.Random(f"{sample.SEED} {number}")
    return [
        [dice.choice(PACKETS) for _ in range(dice.randrange(1, 5))]
        for _ in range(dice.randrange(1, 6))
    ]


class Scripted:
    """The server; every session begins the script anew."""

    def __init__(self, script: Sequence[Sequence[str]], sid: str = "s") -> None:
        self.script = script
        self.sid = sid
        self._sessions: dict[str, int] = {}

    def _opening(self) -> tuple[str, str]:
        sid = f"{self.sid}{len(self._sessions)}"
        self._sessions[sid] = 0
        return sid, "0" + json.dumps({"sid": sid, "maxPayload": 1_000_000, **OPENING})

    def _next(self, sid: str) -> Sequence[str]:
        place = self._sessions.get(sid, 0)
        self._sessions[sid] = place + 1
        return self.script[place] if place < len(self.script) else ()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        sid = request.query.get("sid", "")
        if request.query.get("transport") == "websocket":
            return await self._websocket(request)
        if not sid:
            return web.Response(text=self._opening()[1])
        if request.method == "POST":
            return web.Response(text="ok")
        said = self._next(sid)
        if not said:
            await asyncio.sleep(2 * LIMIT)  # nothing more is said
            said = ("6",)
        octets = SEPARATOR.join(said).encode("utf-8", "surrogatepass")
        return web.Response(body=octets, content_type="text/plain", charset="utf-8")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sid, opening = self._opening()
        await socket.send_str(opening)
        async for message in socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                break
            for packet in self._next(sid):
                await socket.send_str(packet)
        return socket


def met(script: Sequence[Sequence[str]], sid: str = "s") -> Introduction | str:
    """What the preflight makes of the server: an introduction, or why there is nothing to judge."""

    async def meet() -> Introduction | str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", Scripted(script, sid).handle)
        runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0]
            return await introduce(Server(Address.parse(f"http://{host}:{port}/")), LIMIT)
        except Unreachable as error:
            return str(error)
        finally:
            await runner.cleanup()

    found = asyncio.run(meet())
    if isinstance(found, str):
        assert 1 <= len(found.split("\n")) <= 2
        found.encode("utf-8")
        assert found.replace("\n", "").isprintable()
    return found


@pytest.mark.parametrize("number", sample.rotating(range(SCRIPTS), SHARE, "preflight"))
def test_any_packet_at_any_moment(number: int) -> None:
    script = script_of(number)
    met(script)


@pytest.mark.parametrize("again", ['40{"sid":"b"}', '44{"message":"no"}', "44", "40", "41"])
@pytest.mark.parametrize("beside", ["the answer", "an acknowledgement"])
def test_connect_is_answered_again(again: str, beside: str) -> None:
    first = ['40{"sid":"a"}']
    script = [[*first, again]] if beside == "the answer" else [first, ["430[]", again]]
    assert isinstance(met(script), Introduction | str)


def test_sid_that_is_no_text() -> None:
    assert isinstance(met([['40{"sid":"\\ud800"}']], sid="\ud800"), Introduction | str)
