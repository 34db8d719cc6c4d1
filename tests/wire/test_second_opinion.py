"""A second opinion on the judge: what the clients that people use refuse, it does not call right.

The same octets go to our codecs and to node's engine.io-parser and socket.io-parser, to
python-socketio, and to websocket-client. The other way round is free: ours may be stricter.
"""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import socketio.packet
import websocket

from sockproof.conformance.peers.message import Assembler
from sockproof.shelves import shelf
from sockproof.targets import install
from sockproof.targets.spec import TargetMissing, load_targets
from sockproof.wire import WireError, engineio
from sockproof.wire import socketio as sio
from sockproof.wire.websocket import Frame, Opcode, close_payload
from tests import sample
from tests.waiting import LIMIT

Messages = list[str | bytes]

ENGINEIO: list[Messages] = [
    ["4hello"],
    ["4"],
    ["2"],
    ["3probe"],
    ["6"],
    [b"\x00\x01"],
    [b""],
    [""],
    ["7"],
    ["9x"],
    ["x"],
    [" 4hello"],
    ["\u0664hello"],
]
PAYLOADS: list[Messages] = [
    ["4a\x1e4b"],
    ["4a\x1ebAQID"],
    ["bAQID"],
    ["4a\x1e"],
    ["\x1e4a"],
    ["4a\x1e\x1e4b"],
    ["4a\x1e7"],
    ["1:4a"],
]
SOCKETIO: list[Messages] = [
    ['2["a",1]'],
    ['2/room,7["a"]'],
    ['0{"sid":"x"}'],
    ['0/room,{"sid":"x"}'],
    ["1"],
    ["1/room,"],
    ["37[]"],
    ['4{"message":"no"}'],
    ['51-["a",{"_placeholder":true,"num":0}]', b"x"],
    ['52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]', b"x", b"y"],
    ['61-/room,3[{"_placeholder":true,"num":0}]', b""],
    # What JSON does not have (RFC 8259, 6).
    ['2["a",NaN]'],
    ['2["a",Infinity]'],
    ['2["a",-Infinity]'],
    ['2["a",{"deep":[NaN]}]'],
    ["37[NaN]"],
    ['0{"sid":"x","n":NaN}'],
    ['51-["a",{"_placeholder":true,"num":0},NaN]', b"x"],
    ['2["a",01]'],
    ['2["a",.5]'],
    ['2["a",1.]'],
    ['2["a",+1]'],
    ['2["a",0x1]'],
    ["2['a']"],
    ['2["a",]'],
    ['2["a"] x'],
    ['2["a\x01"]'],
    ['2["a\t"]'],
    ['2["\\x41"]'],
    ['2["a",True]'],
    ['2["a",None]'],
    ['2["a",undefined]'],
    ['2\ufeff["a"]'],
    ['2\u00a0["a"]'],
    # Attachments that are missing, too many, or pointed at wrongly.
    ['51-["a",{"_placeholder":true,"num":0}]'],
    ['52-["a",{"_placeholder":true,"num":0}]', b"x"],
    ['51-["a",{"_placeholder":true,"num":1}]', b"x"],
    ['51-["a",{"_placeholder":true,"num":-1}]', b"x"],
    ['51-["a",{"_placeholder":true,"num":"0"}]', b"x"],
    ['51-["a",{"_placeholder":true}]', b"x"],
    ['51-["a",{"_placeholder":true,"num":0.5}]', b"x"],
    ['51-["a",{"_placeholder":true,"num":0}]', '2["b"]'],
    ['2["a"]', b"stray"],
    [b"stray"],
    ['5["a"]'],
    ['5-["a"]'],
    ['5x-["a"]'],
    ['51["a"]'],
    ['5-1-["a"]', b"x"],
    # Forms of packets.
    ["2[]"],
    ["2{}"],
    ['2"a"'],
    ["2"],
    ["2[null]"],
    ["2[true]"],
    ["2[{}]"],
    ["2[[]]"],
    ['2["connect"]'],
    ['2["connect_error"]'],
    ['2["disconnect"]'],
    ['2["disconnecting"]'],
    ['2["newListener"]'],
    ['2["removeListener"]'],
    ["37{}"],
    ["37"],
    ['37"a"'],
    ["37null"],
    ['0"sid"'],
    ["0[]"],
    ["01"],
    ["1{}"],
    ["1[]"],
    ['4"no"'],
    ["4[]"],
    ["4"],
    ["4null"],
    ["41"],
    ["7[]"],
    ["9"],
    ["x"],
    [""],
    ["-1"],
]
CLOSE_CODES = [0, 1, 999, *range(1000, 1017), 1100, 2000, 2999, 3000, 4999, 5000, 25209, 65535]


def _node(codec: str, all_messages: Iterable[Messages]) -> list[bool]:
    """Whether node's client takes each of them."""
    spec = load_targets(shelf("targets"))["node-socketio"]
    try:
        install.prepare(spec)
    except TargetMissing as missing:
        if os.environ.get("SOCKPROOF_REQUIRE_TARGETS"):
            raise
        pytest.skip(str(missing))
    lines = [
        json.dumps({"codec": codec, "messages": [_portable(each) for each in messages]})
        for messages in all_messages
    ]
    ran = subprocess.run(
        ["node", str(Path(__file__).with_name("second_opinion.js"))],
        input="\n".join(lines),
        env={**os.environ, "NODE_PATH": str(spec.home / "node_modules")},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    answers = [json.loads(line) is True for line in ran.stdout.splitlines()]
    assert len(answers) == len(lines)
    return answers


def _portable(message: str | bytes) -> object:
    return message if isinstance(message, str) else {"octets": base64.b64encode(message).decode()}


def _takes(read: Callable[[], object]) -> bool:
    try:
        return bool(read())
    except WireError:
        return False


def _engineio(messages: Messages) -> bool:
    return _takes(lambda: [engineio.decode(each) for each in messages])


def _payload(messages: Messages) -> bool:
    return _takes(lambda: engineio.decode_payload(str(messages[0]).encode()))


def _socketio(messages: Messages) -> bool:
    decoder = sio.Decoder()
    return _takes(lambda: [packet for each in messages if (packet := decoder.feed(each))])


OURS = {"engineio": _engineio, "payload": _payload, "socketio": _socketio}
EXAMPLES = {"engineio": ENGINEIO, "payload": PAYLOADS, "socketio": SOCKETIO}


@pytest.mark.parametrize("codec", OURS)
def test_what_nodes_client_refuses_is_not_called_right(codec: str) -> None:
    taken = _node(codec, EXAMPLES[codec])
    pairs = zip(EXAMPLES[codec], taken, strict=True)
    assert [each for each, theirs in pairs if not theirs and OURS[codec](each)] == []
    assert any(taken)
    assert not all(taken)


def test_what_nodes_client_refuses_of_packets_with_an_edit_is_not_called_right() -> None:
    chance = sample.chance("second opinion")
    edited = [_edited(chance, chance.choice(SOCKETIO)) for _ in range(3000)]
    pairs = zip(edited, _node("socketio", edited), strict=True)
    assert [each for each, theirs in pairs if not theirs and _socketio(each)] == []


def _edited(chance: random.Random, messages: Messages) -> Messages:
    """The messages with a character or two taken out, put in or changed, or one message lost."""
    edited = list(messages)
    at = chance.randrange(len(edited))
    text = edited[at]
    if isinstance(text, bytes) or chance.random() < 0.05:
        return edited[:at] + edited[at + 1 :] or [""]
    for _ in range(chance.randint(1, 2)):
        where = chance.randrange(len(text) + 1)
        put = chance.choice(["", chance.choice('0123456789[]{}",:-/ \\eNntf'), "true", "null"])
        text = text[:where] + put + text[where + chance.randint(0, 1) :]
    edited[at] = text
    return edited


def test_what_python_socketio_refuses_is_not_called_right() -> None:
    texts = [each[0] for each in SOCKETIO if len(each) == 1 and isinstance(each[0], str)]
    assert [text for text in texts if not _python_takes(text) and _socketio([text])] == []


def _python_takes(text: str) -> bool:
    try:
        socketio.packet.Packet(encoded_packet=text)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("code", CLOSE_CODES)
def test_close_code_that_websocket_client_refuses_is_not_called_right(code: int) -> None:
    payload = close_payload(code)
    try:
        websocket.ABNF(1, 0, 0, 0, websocket.ABNF.OPCODE_CLOSE, 0, payload).validate()
    except websocket.WebSocketProtocolException:
        with pytest.raises(WireError):
            Assembler(None, 1000).feed(Frame(Opcode.CLOSE, payload))


@pytest.mark.parametrize("opcode", range(16))
@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("rsv", [0, 1, 2, 4])
@pytest.mark.parametrize("octets", [0, 1, 125, 126])
def test_frame_that_websocket_client_refuses_is_not_called_right(
    opcode: int, fin: bool, rsv: int, octets: int
) -> None:
    payload = b"o" * octets if opcode != Opcode.CLOSE else close_payload(1000)[:octets]
    first, second, third = (int(bool(rsv & bit)) for bit in (4, 2, 1))
    try:
        websocket.ABNF(int(fin), first, second, third, opcode, 0, payload).validate()
    except websocket.WebSocketException:
        with pytest.raises(WireError):
            Assembler(None, 1000).feed(Frame(opcode, payload, fin, rsv))
