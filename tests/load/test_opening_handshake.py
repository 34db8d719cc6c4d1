"""What opening handshakes of one endpoint have in common, and what each has for itself."""

from __future__ import annotations

import pytest

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.opening_handshake import OpeningHandshake
from sockproof.wire import WireError
from sockproof.wire.http import HeadReader, accept_value, parse_request_head


def asked(endpoint: Endpoint, *own: tuple[str, str]) -> tuple[OpeningHandshake, str]:
    """A handshake whose request has left, and its key."""
    shake = OpeningHandshake()
    read = HeadReader().feed(shake.request(endpoint, endpoint.target(), own))
    assert read is not None
    request = parse_request_head(*read[:2])
    assert not request.violations
    assert [request.get(name) for name, _ in own] == [value for _, value in own]
    (key,) = request.all("Sec-WebSocket-Key")
    return shake, key


def answer(key: str, *lines: str) -> bytes:
    head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    head += [f"Sec-WebSocket-Accept: {accept_value(key)}", *lines]
    return "\r\n".join([*head, "", ""]).encode()


def test_each_handshake_has_its_own_key_and_is_opened_by_its_own_answer_alone() -> None:
    endpoint = Endpoint("ws://127.0.0.1:9/")
    keys = []
    for number in range(4):
        shake, key = asked(endpoint, ("Cookie", f"number={number}"))
        keys.append(key)
        if number:
            with pytest.raises(WireError, match="Sec-WebSocket-Accept"):
                OpeningHandshake.read(shake, answer(keys[number - 1]), endpoint)
            shake, key = asked(endpoint)
        assert shake.read(answer(key) + b"more", endpoint) == (b"more", None, None)
    assert len(set(keys)) == len(keys)


def test_an_answer_that_was_right_elsewhere_is_looked_at_again() -> None:
    endpoint = Endpoint("ws://127.0.0.1:9/")
    for _ in range(2):
        shake, key = asked(endpoint)
        assert shake.read(answer(key), endpoint) is not None
    chooses = endpoint.offering(["chat"])
    shake, key = asked(chooses)
    with pytest.raises(WireError, match="none of the subprotocols chat was chosen"):
        shake.read(answer(key), chooses)
    chosen = "Sec-WebSocket-Protocol: chat"
    for _ in range(2):
        shake, key = asked(chooses)
        assert shake.read(answer(key, chosen), chooses) == (b"", "chat", None)
        shake, key = asked(endpoint)
        with pytest.raises(WireError, match="'chat' was not offered"):
            shake.read(answer(key, chosen), endpoint)


def test_an_answer_in_pieces_is_read_like_a_whole_one() -> None:
    endpoint = Endpoint("ws://127.0.0.1:9/")
    for cut in (0, 40, 100):
        shake, key = asked(endpoint)
        whole = answer(key) + b"more"
        if cut:
            assert shake.read(whole[:cut], endpoint) is None
        assert shake.read(whole[cut:], endpoint) == (b"more", None, None)
