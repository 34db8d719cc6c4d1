"""The lean client hands over no more than socket.io-client and python-socketio's client do."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.socketio.connection import SocketIOConnection
from sockproof.wire.websocket import Frame, Opcode, close_payload
from tests.load.peers import Gone, Heard, Link, Server, open_packet
from tests.load.real_clients import Handed, case_of, in_node, in_python, marked

HOLE = '{"_placeholder":true,"num":0}'
SECOND = '{"_placeholder":true,"num":1}'
Packets = list[str | bytes]

# What all of them hand over. ID is the number of the acknowledgement that the client asked for.
RIGHT: dict[str, Packets] = {
    "an-event": ['42["x","mark-1"]'],
    "white-space": ['42["x", {"a" : "mark-1"} ]\n'],
    "white-space-before-the-name": ['42[ "x","mark-1"]'],
    "an-escaped-name": ['42["\\u0078","mark-1"]'],
    "half-a-surrogate-pair": ['42["x","mark-1","\\ud800"]'],
    "a-name-that-begins-as-a-reserved-one": ['42["connected","mark-1"]'],
    "an-event-to-acknowledge": ['427["x","mark-1"]'],
    "an-acknowledgement": ['43ID["mark-1"]'],
    "an-acknowledgement-with-white-space": ['43ID["mark-1"] '],
    "octets": [f'451-["x",{HOLE}]', b"mark-1"],
    "octets-twice": [f'451-["x",{HOLE},{HOLE}]', b"mark-1"],
    "octets-the-other-way-round": [f'452-["x",{SECOND},{HOLE}]', b"mark-1", b"mark-2"],
    "octets-with-a-ping-between": [f'451-["x",{HOLE}]', "2", b"mark-1"],
    "octets-acknowledged": [f"461-ID[{HOLE}]", b"mark-1"],
    "before-connect": ['42["x","mark-1"]'],
    "octets-before-connect": [f'451-["x",{HOLE}]', b"mark-1"],
    "engine-noop": ["6", '42["x","mark-1"]'],
}
# What some of them refuse, drop or hand over with something missing.
WRONG: dict[str, Packets] = {
    "no-json": ['42["x","mark-1"'],
    "trailing-octets": ['42["x","mark-1"]x'],
    "two-lists": ['42["x","mark-1"]["x"]'],
    "trailing-comma": ['42["x","mark-1",]'],
    "single-quotes": ["42['x','mark-1']"],
    "nan": ['42["x","mark-1",NaN]'],
    "infinity": ['42["x","mark-1",-Infinity]'],
    "control-character": ['42["x","mark-1\n"]'],
    "bad-escape": ['42["x","mark-1\\q"]'],
    "leading-zero": ['42["x","mark-1",01]'],
    "byte-order-mark": ['42\ufeff["x","mark-1"]'],
    "an-object": ['42{"x":"mark-1"}'],
    "an-object-with-a-list": ['42{"x":["x","mark-1"]}'],
    "a-string": ['42"mark-1"'],
    "no-name": ["42[]"],
    "name-null": ['42[null,"mark-1"]'],
    "name-true": ['42[true,"mark-1"]'],
    "name-a-list": ['42[["mark-1"]]'],
    "name-an-object": ['42[{"a":"mark-1"}]'],
    "name-connect": ['42["connect","mark-1"]'],
    "name-connect-escaped": ['42["\\u0063onnect","mark-1"]'],
    "name-connect-behind-white-space": ['42[ "connect","mark-1"]'],
    "name-connect-error": ['42["connect_error","mark-1"]'],
    "name-disconnect": ['42["disconnect","mark-1"]'],
    "name-disconnecting": ['42["disconnecting","mark-1"]'],
    "name-new-listener": ['42["newListener","mark-1"]'],
    "name-remove-listener": ['42["removeListener","mark-1"]'],
    "another-namespace": ['42/other,["x","mark-1"]'],
    "another-namespace-with-octets": [f'451-/other,["x",{HOLE}]', b"mark-1"],
    "another-namespace-that-the-server-opens": ['40/other,{"sid":"y"}', '42/other,["x","mark-1"]'],
    "a-namespace-that-does-not-end": ['42/other["x","mark-1"]'],
    "number-negative": ['42-1["x","mark-1"]'],
    "type-of-connect": ['40["x","mark-1"]'],
    "type-of-connect-with-a-stamp": ['40{"sid":"first","x":"mark-1"}'],
    "type-of-disconnect": ['41["x","mark-1"]'],
    "type-of-connect-error": ['44["x","mark-1"]'],
    "type-of-connect-error-elsewhere": ['44/other,["x","mark-1"]'],
    "type-7": ['47["x","mark-1"]'],
    "type-missing": ['4["x","mark-1"]'],
    "engine-ping": ['2["x","mark-1"]'],
    "engine-pong": ['3["x","mark-1"]'],
    "engine-noop-with-data": ['6["x","mark-1"]'],
    "engine-type-8": ['8["x","mark-1"]'],
    "engine-type-missing": ['["x","mark-1"]'],
    "acknowledgement-without-a-number": ['43["mark-1"]'],
    "acknowledgement-of-another": ['439ID["mark-1"]'],
    "acknowledgement-twice": ['43ID["mark-0"]', '43ID["mark-1"]'],
    "acknowledgement-elsewhere": ['43/other,ID["mark-1"]'],
    "acknowledgement-no-json": ['43ID["mark-1"'],
    "acknowledgement-trailing": ['43ID["mark-1"]]'],
    "acknowledgement-nan": ['43ID["mark-1",NaN]'],
    "acknowledgement-an-object": ['43ID{"a":["mark-1"]}'],
    "octets-of-nobody": [b"mark-1"],
    "octets-behind-an-event": ['42["x","mark-0"]', b"mark-1"],
    "octets-missing": [f'452-["x",{HOLE},{SECOND}]', b"mark-1"],
    "octets-missing-text": [f'451-["x","mark-1",{HOLE}]'],
    "octets-one-more": [f'451-["x",{HOLE}]', b"mark-0", b"mark-1"],
    "octets-in-no-place": ['451-["x","mark-0"]', b"mark-1"],
    "octets-in-no-place-beside-others": [f'452-["x",{HOLE}]', b"mark-0", b"mark-1"],
    "octets-announced-as-none": ['450-["x","mark-1"]'],
    "octets-announced-and-not": [f'450-["x",{HOLE},"mark-1"]', b"mark-2"],
    "octets-named-and-not-announced": [f'451-["x",{HOLE},{SECOND}]', b"mark-1"],
    "octets-by-a-wrong-number": ['451-["x",{"_placeholder":true,"num":-1}]', b"mark-1"],
    "octets-by-text": ['451-["x",{"_placeholder":true,"num":"0"}]', b"mark-1"],
    "octets-by-no-number": ['451-["x",{"_placeholder":true}]', b"mark-1"],
    "octets-without-a-count": [f'45["x",{HOLE}]', b"mark-1"],
    "octets-with-a-bad-count": [f'45x-["x",{HOLE}]', b"mark-1"],
    "octets-with-text-between": [
        f'452-["x",{HOLE},{SECOND}]',
        b"mark-0",
        '42["x","mark-1"]',
        b"mark-2",
    ],
    "octets-with-an-acknowledgement-between": [f'451-["x",{HOLE}]', '43ID["mark-1"]', b"mark-2"],
    "octets-with-bad-json": [f'451-["x",{HOLE}', b"mark-1"],
    "octets-with-nan": [f'451-["x",{HOLE},NaN]', b"mark-1"],
    "octets-with-a-reserved-name": [f'451-["connect",{HOLE}]', b"mark-1"],
    "octets-with-no-name": [f"451-[{HOLE}]", b"mark-1"],
    "octets-in-an-acknowledgement-of-another": [f"461-9ID[{HOLE}]", b"mark-1"],
    "octets-in-an-acknowledgement-without-a-number": [f"461-[{HOLE}]", b"mark-1"],
    "before-open": ['42["x","mark-1"]'],
    "behind-disconnect": ["41", '42["x","mark-1"]'],
    "behind-close": ["1", '42["x","mark-1"]'],
}
CASES = {**RIGHT, **WRONG}


def script(link: Link) -> None:
    """Send the packets of the case that the client asks for, a fence, and an end."""
    name = case_of(link.shake())
    packets = CASES[name]
    with contextlib.suppress(Gone, ConnectionError, AssertionError):  # it ends by a Close frame
        if name == "before-open":
            link.say(*packets)
        link.say(open_packet())
        link.text()
        if name.endswith("before-connect"):
            link.say(*packets)
        link.say('40{"sid":"first"}')
        asked = ""
        while not (found := re.match(r"42(\d+)", asked)):
            asked = link.text()
        number = found[1]
        if not name.startswith("before-") and not name.endswith("before-connect"):
            link.say(
                *(each.replace("ID", number) if isinstance(each, str) else each for each in packets)
            )
        link.say('42["fence"]')
        link.send(Frame(Opcode.CLOSE, close_payload(1000)).encode())
        link.expect_close()


def lean(url: str, name: str, *, listens: bool) -> tuple[list[str], list[str]]:
    """What the lean connection shows raw, and what it hands to handlers."""
    raw: list[Any] = []
    told: list[Any] = []
    connection = SocketIOConnection(Endpoint(f"{url}?name={name}"))
    heard = Heard(connection)
    connection.on_message = lambda data, _: raw.append(data)
    if listens:
        connection.on_event = lambda *all: told.append(all)
    connection.on_open = lambda: (connection.emit("asks", ack=told.append), None)[1]
    heard.open().until_closed()
    return marked(raw), marked(told)


@pytest.fixture(scope="module")
def real() -> dict[str, Handed]:
    """What the real clients hand over in each case."""
    return {
        "node": in_node("socketio", script, CASES),
        "python": in_python("socketio", script, CASES),
    }


def test_real_clients_hand_over_what_is_right(real: dict[str, Handed]) -> None:
    for name in RIGHT:
        for handed in real.values():
            assert set(handed[name]) - {"fence"} == _meant(name), name
            assert "fence" in handed[name], name


@pytest.mark.parametrize("listens", [False, True], ids=["bare", "listening"])
@pytest.mark.usefixtures("hub")
def test_lean_client_hands_over_what_is_right(listens: bool) -> None:
    with Server(script) as server:
        for name in RIGHT:
            raw, told = lean(server.url, name, listens=listens)
            assert {*raw} == _meant(name) | {"fence"}, name
            assert len(raw) == len({*raw}), name
            if listens:
                assert {*told} == {*raw}, name


@pytest.mark.parametrize("listens", [False, True], ids=["bare", "listening"])
@pytest.mark.usefixtures("hub")
def test_lean_client_hands_over_no_more_than_real_clients(
    listens: bool, real: dict[str, Handed]
) -> None:
    laxer = {}
    with Server(script) as server:
        for name in WRONG:
            raw, told = lean(server.url, name, listens=listens)
            allowed = set.intersection(*({*handed[name]} for handed in real.values()))
            more = ({*raw} | {*told}) - allowed - {"mark-0"}  # which stands before the fault
            if more:
                laxer[name] = (more, {who: handed[name] for who, handed in real.items()})
    assert laxer == {}


def test_each_wrong_packet_is_wrong_for_some_real_client(real: dict[str, Handed]) -> None:
    for name in WRONG:
        last = {"octets-announced-and-not": "mark-2"}.get(name, "mark-1")
        assert any(last not in handed[name] for handed in real.values()), name


def _meant(name: str) -> set[str]:
    return {*marked([json.dumps([str(each) for each in RIGHT[name]])])}
