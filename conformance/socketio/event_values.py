"""Socket.IO protocol, "Sending and receiving data": the text and values that an event holds."""

from typing import Any

from sockproof.conformance import Failure, Target, case

TRANSPORTS = {"transport": ("websocket", "polling")}
SCRIPTS = {
    "greek": "Ὦ ξεῖν’, ἀγγέλλειν",
    "chinese": "聊天室、測試",
    "right-to-left": "שלום مرحبا \u200f\u202eabc",
    "emoji": "👩‍👩‍👧 🇪🇺 ✊🏿",
    "combining": "e\u0301 é \u1112\u1161\u11ab",
    "separators": "\u2028\u2029\u0085\ufeff\u00a0",
    "last-plane": "\U00020000\U0010fffd",
}
VALUES: dict[str, Any] = {
    "numbers": [0, -1, 7, 2**31, 2**53 - 1, -(2**53) + 1, 0.5, -0.25, 1e300, 1e-7],
    "literals": [True, False, None],
    "empty": [[], {}, "", [[]], [{}], {"": {}}],
    "nested": [[[[[[[[1], 2], {"a": [{"b": {"c": []}}]}]]]]]],
    "keys": {"": 1, "0": 2, "a b": 3, "ключ": 4, "_placeholder": False, "num": 0},
    "controls": '"\\/\b\f\n\r\t\u0001\u001f\u007f',
    "like-packets": ['42["message"]', "4", "b4AAEC", "51-[]", "/custom,"],
}


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same; 1 and 1.0 are, 1 and true are not."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


@case("sio-event-text", needs="fixture", over={**TRANSPORTS, "script": tuple(SCRIPTS)})
async def text_of_any_script_comes_back(target: Target, transport: str, script: str) -> None:
    peer = await target.socketio(transport)
    await peer.emit("message", "a text", SCRIPTS[script])
    await peer.expect_event("message-back", "a text", SCRIPTS[script])


@case("sio-event-json", needs="fixture", over={**TRANSPORTS, "values": tuple(VALUES)})
async def json_value_of_any_kind_comes_back(target: Target, transport: str, values: str) -> None:
    peer = await target.socketio(transport)
    await peer.emit("message", "a value", VALUES[values])
    wanted = ["message-back", "a value", VALUES[values]]
    with target.awaits(f"the event {wanted!r}"):
        got = await peer.receive_event()
    if not same(got.data, wanted):
        raise Failure(f"the event {wanted!r}", got)
