"""Socket.IO protocol, "Sending and receiving data": names are names, words of a language as well.

What each event's name is compared with is an ordinary one: how a server treats an event that its
application does not know is its own affair, as long as it treats all alike.
"""

from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case
from sockproof.wire.socketio import Packet, PacketType

ORDINARY = "sockproof-word"
WORDS = {
    "constructor": "constructor",
    "proto": "__proto__",
    "prototype": "prototype",
    "to-string": "toString",
    "has-own-property": "hasOwnProperty",
    "length": "length",
    "emit": "emit",
    "on": "on",
    "error": "error",
    "class": "__class__",
    "init": "__init__",
    "self": "self",
    "null": "null",
    "none": "None",
    "nan": "NaN",
    "true": "true",
    "dot": ".",
    "dots": "../..",
    "comma": "a,b",
    "bracket": '["a"]',
    "quotes": "'\"`",
    "backslash": "\\",
    "percent": "%s{0}$(a)",
    "line-end": "a\r\nb",
    "nul": "a\0b",
    "separator": "a\x1eb",
    "script": "聊天室 имя",
    "digit": "2",
    "blank": " ",
}
ACKS = (PacketType.ACK, PacketType.BINARY_ACK)
NUMBER = 77  # of the acknowledgement


@case(
    "sio-event-names-alike",
    needs={"fixture", "slow-timers"},
    over={"word": tuple(WORDS), "answer": ("none", "acknowledgement")},
)
async def event_named_by_a_word_is_an_event_like_any_other(
    target: Target, word: str, answer: str
) -> None:
    number = NUMBER if answer == "acknowledgement" else None
    with target.preparing("an event of an ordinary name"):
        wanted = await _treatment(await target.socketio(), ORDINARY, number)
    got = await _treatment(await target.socketio(), WORDS[word], number)
    if got != wanted:
        raise Failure(f"{wanted}, as with the name {ORDINARY}", got)


async def _treatment(peer: SocketIOPeer, name: str, number: int | None) -> str:
    """What comes of an event of this name that no application knows."""
    (message,) = peer.text(Packet(PacketType.EVENT, peer.namespace, [name, "unheard"], number))
    came = await peer.aftermath(message, expected="an answer to an event behind it")
    if came is None:
        return "the end of the session"
    told = [f"{each.type.name} {_shape(each.data)!r:.200}" for each in came]
    return " and ".join(told) or "nothing"


def _shape(value: Any) -> Any:
    """An answer without its texts, in which an application may tell of the name in its own way."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return [_shape(each) for each in value]
    if isinstance(value, dict):
        return {"text" if key in WORDS.values() else key: _shape(value[key]) for key in value}
    return value


OBJECT = {word: {word: [word]} for word in WORDS.values()}


def _expect_words(got: Any, where: str) -> None:
    """The object with a member for each word is as it was."""
    if got == OBJECT:
        return
    found = got if isinstance(got, dict) else {}
    lost = [word for word in OBJECT if found.get(word) != OBJECT[word]]
    raise Failure(f"each word in {where} as it was", f"lost or changed: {lost!r:.200}")


@case("sio-event-json", needs="fixture", over={"transport": ("websocket", "polling")})
async def words_come_back_as_keys_and_as_values(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.emit("message", OBJECT)
    with target.awaits("the event message-back"):
        event = await peer.receive_event()
    _expect_words(event.data[-1], "an event")
    answer = await peer.call("message-with-ack", OBJECT)
    _expect_words(answer[-1] if answer else None, "an acknowledgement")


@case("rooms-session-kept", needs={"fixture", "session_set", "session_get"})
async def session_keeps_what_is_under_words(target: Target) -> None:
    peer, other = await target.connect_socketio(2)
    await peer.proof("session_set", data=OBJECT)
    answer = await peer.proof("session_get")
    _expect_words(answer.get("data"), "a session")
    answer = await other.proof("session_get")
    if answer.get("data"):
        raise Failure("an empty session of another client", f"{answer!r:.200}")
