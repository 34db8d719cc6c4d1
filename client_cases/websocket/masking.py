"""RFC 6455, sections 5.1 and 5.3: masks, of every frame that a client sends, and of none it gets.

What is said of keys is counted over many of them. Chance alone brings each of these accusations
less often than once in 10 million runs: see `BITS` and `REPEATS`.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise

from sockproof.clients import (
    Failure,
    Opcode,
    Unsupported,
    WebSocketVisitor,
    case,
    expect_refused_close,
)

KEPT = 4096  # of the keys that were seen, the first that are looked at
ENOUGH = 64  # keys, of which a bit that never changes can be told from chance
# Standard deviations by which a bit, or a pair of bits, may be off one half. Of the 128 bits of a
# key, or the 528 pairs and single bits of a mask, one is off by as much once in 10 ** 9.
BITS = 7.0
# Steps from key to key that are the same. Of 4096 random masks, three steps agree once in 10 ** 9.
REPEATS = 3

FRAMES = {
    "text": (Opcode.TEXT, b"masked"),
    "binary": (Opcode.BINARY, b"masked"),
    "empty text": (Opcode.TEXT, b""),
    "ping": (Opcode.PING, b"masked"),
    "pong": (Opcode.PONG, b"masked"),
    "empty ping": (Opcode.PING, b""),
}


@case("client-rfc6455-5.1-masked", over={"octets": (0, 1, 125, 126, 65_536)})
async def message_is_masked(client: WebSocketVisitor, octets: int) -> None:
    await client.accept()
    await client.echoed(b"\x5a" * octets)  # the peer refuses what is not


@case("client-rfc6455-5.1-masked", over={"payload": ("", "x")})
async def pong_is_masked(client: WebSocketVisitor, payload: str) -> None:
    await client.accept()
    client.send(client.frame(Opcode.PING, payload.encode()))
    await client.expect(Opcode.PONG, payload.encode())


@case("client-rfc6455-5.1-masked", over={"code": (None, 1000)})
async def close_frame_is_masked(client: WebSocketVisitor, code: int | None) -> None:
    await client.accept()
    await client.close_handshake(code)


@case("client-rfc6455-5.1-masked")
async def close_frame_of_a_failed_connection_is_masked(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.echoed("an ordinary message")
    client.send(client.frame(Opcode.TEXT, b"bad", rsv=2))
    await client.expect_failed(1002)


@case("client-rfc6455-5.3-masking", over={"octets": (1, 2, 3, 4, 5, 7, 8, 9, 1023, 70_001)})
async def every_octet_is_masked_with_the_right_one_of_the_key(
    client: WebSocketVisitor, octets: int
) -> None:
    await client.accept()
    await client.echoed(bytes(place * 7 % 251 for place in range(octets)))


@case("client-rfc6455-5.1-masked-received", over={"frame": list(FRAMES), "key": ("any", "zero")})
async def masked_frame_fails_the_connection(client: WebSocketVisitor, frame: str, key: str) -> None:
    opcode, payload = FRAMES[frame]
    await client.accept()
    await client.echoed("an ordinary message")
    mask = bytes(4) if key == "zero" else b"\x37\xfa\x21\x3d"
    client.send(client.frame(opcode, payload, mask=mask))
    await client.expect_failed(1002)


@case("client-rfc6455-5.1-masked-received")
async def masked_continuation_fails_the_connection(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.echoed("an ordinary message")
    client.send(
        client.frame(Opcode.TEXT, b"not masked, ", fin=False),
        client.frame(Opcode.CONT, b"masked", mask=b"\x37\xfa\x21\x3d"),
    )
    await client.expect_failed(1002)


@case("client-rfc6455-5.1-masked-received")
async def masked_close_frame_is_not_answered_like_another(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.echoed("an ordinary message")
    payload = client.close_frame(4321).payload
    client.send(client.frame(Opcode.CLOSE, payload, mask=b"\x37\xfa\x21\x3d"))
    await expect_refused_close(client, 4321, 1002)


async def masks(client: WebSocketVisitor, count: int = 100) -> list[bytes]:
    """The keys of all masks that were seen, at least so many."""
    await client.accept()
    for number in range(count):
        await client.echoed(f"message {number}")
    return client.history.masks[:KEPT]


@case("client-rfc6455-5.3-key-fresh")
async def each_frame_has_a_masking_key_of_its_own(client: WebSocketVisitor) -> None:
    before = len(client.history.masks)
    await client.accept()
    for number in range(32):
        await client.echoed(f"message {number}")
    check_fresh(client.history.masks[before:])


def check_fresh(keys: Sequence[bytes]) -> None:
    """Hardly any of the keys is there twice."""
    again = len(keys) - len(set(keys))
    if again >= REPEATS:
        often, times = Counter(keys).most_common(1)[0]
        told = f"{again} of {len(keys)} had been there; {often.hex()} came {times} times"
        raise Failure("masking keys that differ", told)


@case("client-rfc6455-5.3-key-fresh", last=True)
async def masking_keys_of_different_connections_differ(client: WebSocketVisitor) -> None:
    check_fresh(await masks(client, 4))


@case("client-rfc6455-5.3-key-unpredictable", last=True)
async def bits_of_masking_keys_are_like_thrown_coins(client: WebSocketVisitor) -> None:
    keys = [int.from_bytes(key, "big") for key in await masks(client)]
    check_bits("masking keys", keys, 32, pairs=True)


@case("client-rfc6455-5.3-key-unpredictable", last=True)
async def masking_keys_do_not_count(client: WebSocketVisitor) -> None:
    keys = [int.from_bytes(key, "big") for key in await masks(client)]
    check_steps("masking key", keys, 32)


@case("client-rfc6455-5.3-key-unpredictable", last=True)
async def masking_keys_come_from_no_linear_generator(client: WebSocketVisitor) -> None:
    before = len(client.history.masks)
    await client.accept()
    for number in range(100):
        await client.echoed(f"message {number}")
    keys = client.history.masks[before:]
    for order in ("big", "little"):
        check_linear([int.from_bytes(key, order) for key in keys])


def check_bits(what: str, keys: Sequence[int], size: int, *, pairs: bool = False) -> None:
    """No bit, and no two bits together, are set more or less often than chance allows."""
    if len(keys) < ENOUGH:
        raise Unsupported(f"{ENOUGH} {what}, to be judged by", f"{len(keys)} were seen")
    allowed = BITS * len(keys) ** 0.5 / 2
    columns = [
        sum((key >> bit & 1) << place for place, key in enumerate(keys)) for bit in range(size)
    ]
    half = len(keys) / 2
    for bit, column in enumerate(columns):
        if abs(column.bit_count() - half) > allowed:
            told = f"bit {bit} was set in {column.bit_count()} of {len(keys)}"
            raise Failure(f"{what} whose bits are set as often as not", told)
    for first, second in combinations(range(size), 2) if pairs else ():
        same = len(keys) - (columns[first] ^ columns[second]).bit_count()
        if abs(same - half) > allowed:
            told = f"bits {first} and {second} were the same in {same} of {len(keys)}"
            raise Failure(f"{what} whose bits are independent", told)


def check_steps(what: str, keys: Sequence[int], size: int) -> None:
    """The steps from one key to the next differ: by adding, and by XOR."""
    following = list(pairwise(keys))
    for how, steps in (
        ("adding", [(after - before) % (1 << size) for before, after in following]),
        ("XOR with", [before ^ after for before, after in following]),
    ):
        step, times = Counter(steps).most_common(1)[0] if steps else (0, 0)
        if times >= REPEATS:
            told = f"{times} of {len(steps)} came from the one before by {how} {step:#x}"
            raise Failure(f"no {what} that follows from another", told)


def check_linear(keys: Sequence[int]) -> None:
    """No key is the one before times a constant, and a constant more, modulo 2 to the power 32.

    Then the square of a step is the product of the steps around it. Of 100 random masks, three
    steps do so by chance once in 10 ** 17.
    """
    steps = [after - before for before, after in pairwise(keys)]
    triples = zip(steps, steps[1:], steps[2:], strict=False)
    found = sum((b * b - a * c) % (1 << 32) == 0 for a, b, c in triples)
    if found >= REPEATS:
        told = f"{found} of {len(steps) - 2} steps follow from the two before"
        raise Failure("no masking key that follows from another", told)


def handshake_keys(client: WebSocketVisitor) -> list[int]:
    """The keys of all opening handshakes that were seen, as numbers."""
    found = []
    for key in client.history.keys[:KEPT]:
        try:
            found.append(int.from_bytes(base64.b64decode(key, validate=True), "big"))
        except (binascii.Error, ValueError):  # 4.1-key tells of it
            continue
    return found


@case("client-rfc6455-4.1-key-fresh", last=True)
async def keys_of_different_connections_differ(client: WebSocketVisitor) -> None:
    await client.accept()
    keys = client.history.keys[:KEPT]
    if len(keys) < 2:
        raise Unsupported("several connections", "it was the first")
    again = len(keys) - len(set(keys))
    if again:
        often, times = Counter(keys).most_common(1)[0]
        raise Failure("a key of its own for each", f"{often[:40]} came {times} times")


@case("client-rfc6455-4.1-key-random", last=True)
async def bits_of_keys_are_like_thrown_coins(client: WebSocketVisitor) -> None:
    await client.accept()
    check_bits("keys", handshake_keys(client), 128)


@case("client-rfc6455-4.1-key-random", last=True)
async def keys_do_not_count(client: WebSocketVisitor) -> None:
    await client.accept()
    keys = list(dict.fromkeys(handshake_keys(client)))  # of requests that were sent again, one
    if len(keys) < ENOUGH:
        raise Unsupported(f"{ENOUGH} keys, to be judged by", f"{len(keys)} were seen")
    check_steps("key", keys, 128)
