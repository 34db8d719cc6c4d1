"""RFC 6455, section 9.1: names are names, also those that a language keeps for itself.

What each name is compared with is an ordinary one at the same place: how a server treats what it
does not know is its own affair, as long as it treats all alike.
"""

from sockproof.conformance import Failure, IllegalFrame, Target, case

WORDS = (
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "prototype",
    "length",
    "__class__",
    "None",
    "null",
)
PLACES = ("extension", "parameter", "subprotocol", "field", "query")
ORDINARY = "sockproof-word"


@case("rfc6455-9.1-names-alike", exclusive=True, over={"place": PLACES, "word": WORDS})
async def word_of_a_language_is_a_name_like_any_other(
    target: Target, place: str, word: str
) -> None:
    with target.preparing(f"an answer to an ordinary name ({place})"):
        ordinary = await _answer(target, place, ORDINARY)
    got = await _answer(target, place, word)
    if got != ordinary:
        raise Failure(f"{ordinary}, as with the name {ORDINARY}", got)
    with target.awaits("an ordinary client served afterwards"):
        await (await target.handshake(target.upgrade_request())).fence()


async def _answer(target: Target, place: str, word: str) -> str:
    """The status of a handshake with this name, and whether its connection then works."""
    own = f"{target.address.path}?{word}={word}" if place == "query" else None
    extensions = {"extension": word, "parameter": f"x-sockproof; {word}={word}"}.get(place)
    request = target.upgrade_request(
        own,
        protocols=[word] if place == "subprotocol" else None,
        extensions=extensions,
        headers=[(word, word)] if place == "field" else [],
    )
    peer = await target.http()
    peer.send(request)
    response = await peer.response_or_end("an answer to the handshake, or the end of TCP")
    if response is None:
        return "the end of TCP"
    if response.status != 101:
        return f"status {response.status}"
    try:
        await peer.upgraded(response).fence()
    except IllegalFrame:
        raise
    except Failure as failure:
        return f"status 101, then {failure.got}"
    named = [response.get(f"Sec-WebSocket-{name}") for name in ("Extensions", "Protocol")]
    agreed = [str(value).replace(word, "it") for value in named if value is not None]
    return " and ".join(["status 101", *(f"agrees to {value}" for value in agreed)])
