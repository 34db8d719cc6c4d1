"""Frames that a client must not send: RFC 6455, 5.1 to 5.5."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import time
from dataclasses import replace
from typing import Any

from sockproof.wire.websocket import Frame
from tests.clients.raw_websocket.receiving import BINARY, CLOSE, CONT, PING, PONG, TEXT
from tests.clients.raw_websocket.switching import Mixin


def keys(make) -> Mixin:
    """Another rule for mask keys; it is given the client and the opcode."""

    class Keys:
        def mask_key(self, opcode):
            return make(self, opcode)

    return Keys


def unmasked(*opcodes: int) -> Mixin:
    class Unmasked:
        def mask_key(self, opcode):
            return None if opcode in opcodes else super().mask_key(opcode)

    return Unmasked


def frames(change) -> Mixin:
    """Each frame of a message is sent otherwise."""

    class Frames:
        def frames(self, opcode, payload):
            return [change(self, frame) for frame in super().frames(opcode, payload)]

    return Frames


def written(change) -> Mixin:
    """Each frame, of whatever kind, is sent otherwise."""

    class Written:
        def write(self, frame):
            super().write(change(self, frame))

    return Written


def splits(change) -> Mixin:
    """Each message of some length is sent in these fragments, by its halves."""

    class Splits:
        def frames(self, opcode, payload):
            if len(payload) < 2:
                return super().frames(opcode, payload)
            whole = Frame(opcode, payload)
            half = len(payload) // 2
            first = replace(whole, payload=payload[:half], fin=False)
            return change(first, Frame(CONT, payload[half:]))

    return Splits


def _once(self, make) -> Any:
    """A key that is made once for a connection."""
    if not hasattr(self, "one_key"):
        self.one_key = make()
    return self.one_key


def _count(self, step: int) -> Any:
    self.number = getattr(self, "number", int.from_bytes(os.urandom(4), "big")) + step
    return (self.number & 0xFFFFFFFF).to_bytes(4, "big")


def _of_process(self, opcode) -> Any:
    number = int(self.place.seen.get("mask", "305419896")) + 1
    self.place.seen["mask"] = str(number)
    return number.to_bytes(4, "big")


def _of_time(self, opcode) -> Any:
    return int(time.time()).to_bytes(4, "big")


def _linear(self, opcode) -> Any:
    """The congruential generator of C's rand()."""
    seed = getattr(self, "seed", int.from_bytes(os.urandom(4), "big"))
    self.seed = (seed * 1103515245 + 12345) & 0xFFFFFFFF
    return self.seed.to_bytes(4, "big")


def _seeded(self, opcode) -> Any:
    """Of a generator that each connection starts with the same seed."""
    if not hasattr(self, "dice"):
        self.dice = random.Random(1)
    return self.dice.randbytes(4)


def _seeded_once(self, opcode) -> Any:
    """Of one of 256 generators, by the process's number, say."""
    if not hasattr(self, "dice"):
        self.dice = random.Random(os.urandom(1))
    return self.dice.randbytes(4)


def _every_second(self, opcode) -> Any:
    self.turn = not getattr(self, "turn", False)
    if self.turn:
        self.one_key = os.urandom(4)
    return self.one_key


def _of_digest(self, opcode) -> Any:
    """Made from the handshake's key, which everybody on the way has seen."""
    return hashlib.sha1(self.key.encode()).digest()[:4]


def _cycled(self, opcode) -> Any:
    if not hasattr(self, "cycle"):
        self.cycle = itertools.cycle([os.urandom(4) for _ in range(3)])
    return next(self.cycle)


class KeyBeforeEachMessageOnly:
    """The fragments of a message share a key."""

    def frames(self, opcode, payload):
        self.one_key = os.urandom(4)
        return super().frames(opcode, payload)

    def mask_key(self, opcode):
        return getattr(self, "one_key", os.urandom(4))


class MasksWrongly:
    """From the fifth octet on nothing is masked."""

    def encode(self, frame, key):
        octets = super().encode(frame, key)
        if key is None or len(frame.payload) <= 4:
            return octets
        return octets[: -len(frame.payload) + 4] + frame.payload[4:]


class MaskBitAlone:
    """MASK is set, and the payload is plain behind a key that masks nothing."""

    def encode(self, frame, key):
        octets = super().encode(frame, key)
        return octets[: len(octets) - len(frame.payload)] + frame.payload


class EmptyUnmasked:
    """Frames without a payload have no key."""

    def encode(self, frame, key):
        return super().encode(frame, key if frame.payload else None)


class PaddedToOneLength:
    """Extended lengths where the short one does."""

    width = 2

    def encode(self, frame, key):
        limit = 126 if self.width == 2 else 65536
        width = self.width if len(frame.payload) < limit else None
        if frame.opcode >= 8:
            width = None
        return super().encode(replace(frame, length_octets=width), key)


class LengthsInEightOctets(PaddedToOneLength):
    width = 8


class ControlLengthsInTwoOctets:
    def encode(self, frame, key):
        width = 2 if frame.opcode >= 8 else None
        return super().encode(replace(frame, length_octets=width), key)


class PingsWithLongPayload:
    async def started(self):
        await super().started()
        self.send_frame(PING, b"x" * 126)


class FragmentedPing:
    async def started(self):
        await super().started()
        self.write(Frame(PING, b"one", fin=False))
        self.write(Frame(CONT, b"two"))


class FragmentedPongs:
    def send_frame(self, opcode, payload):
        if opcode != PONG or self.close_sent:
            super().send_frame(opcode, payload)
            return
        self.write(Frame(PONG, payload, fin=False))
        self.write(Frame(CONT, b""))


class FragmentedClose:
    def write(self, frame):
        if frame.opcode == CLOSE:
            super().write(replace(frame, fin=False))
            super().write(Frame(CONT, b""))
        else:
            super().write(frame)


class ReservedOpcodeFirst:
    """A frame of an opcode that means nothing is sent when the connection opens."""

    kind = 3

    async def started(self):
        await super().started()
        self.write(Frame(self.kind, b"what?"))


class ReservedControlFirst(ReservedOpcodeFirst):
    kind = 0xB


class StrayContinuationFirst(ReservedOpcodeFirst):
    kind = CONT


class InterleavesMessages:
    """A message is sent between the fragments of another."""

    def frames(self, opcode, payload):
        found = super().frames(opcode, payload)
        if len(found) > 1 or len(payload) < 2 or self.agreed:
            return found
        first = Frame(opcode, payload[:1], fin=False)
        return [first, Frame(BINARY, b"between"), Frame(CONT, payload[1:])]


class InvalidText:
    """Text that is no UTF-8 is sent."""

    async def answer(self, opcode, payload):
        await super().answer(opcode, payload + b"\xff" if opcode == TEXT else payload)


class TextOfHalfCharacters:
    async def started(self):
        await super().started()
        self.send_message(TEXT, b"\xc3")


class NeverEndsAFragmentedMessage:
    """FIN is never set."""

    def frames(self, opcode, payload):
        return [replace(frame, fin=False) for frame in super().frames(opcode, payload)]


class AnnouncesTooMuch:
    """A frame announces an octet more than come with it."""

    def encode(self, frame, key):
        if frame.opcode >= 8 or not frame.payload:
            return super().encode(frame, key)
        longer = replace(frame, payload=frame.payload + b"\0")
        return super().encode(longer, key)[:-1]


class EchoesTwice:
    async def answer(self, opcode, payload):
        await super().answer(opcode, payload)
        await super().answer(opcode, payload)


class EchoesSometimes:
    """The second message of a connection is lost."""

    count = 0

    async def answer(self, opcode, payload):
        self.count += 1
        if self.count != 2:
            await super().answer(opcode, payload)


class EchoesOutOfOrder:
    """Long messages are overtaken by the next."""

    kept: list[tuple[int, bytes]] = []  # noqa: RUF012

    async def answer(self, opcode, payload):
        if len(payload) > 1000 and not self.kept:
            self.kept = [(opcode, payload)]
            return
        await super().answer(opcode, payload)
        for each in self.kept:
            await super().answer(*each)
        self.kept = []


FAULTS: dict[str, Mixin] = {
    "masks-nothing": keys(lambda self, opcode: None),
    "masks-no-pong": unmasked(PONG),
    "masks-no-close": unmasked(CLOSE),
    "masks-no-text": unmasked(TEXT),
    "masks-no-binary": unmasked(BINARY),
    "masks-no-continuation": type(
        "Both", (unmasked(CONT), splits(lambda first, second: [first, second])), {}
    ),
    "masks-no-empty-frame": EmptyUnmasked,
    "masks-with-0": keys(lambda self, opcode: b"\0\0\0\0"),
    "masks-controls-with-0": keys(lambda s, o: b"\0\0\0\0" if o >= 8 else os.urandom(4)),
    "masks-with-one-key-always": keys(lambda self, opcode: b"\x37\xfa\x21\x3d"),
    "masks-with-one-key-a-connection": keys(lambda self, o: _once(self, lambda: os.urandom(4))),
    "masks-with-one-octet-repeated": keys(lambda self, opcode: os.urandom(1) * 4),
    "masks-with-two-octets-repeated": keys(lambda self, opcode: os.urandom(2) * 2),
    "masks-with-16-bits": keys(lambda self, opcode: b"\0\0" + os.urandom(2)),
    "masks-with-31-bits": keys(
        lambda self, opcode: bytes([os.urandom(1)[0] & 0x7F]) + os.urandom(3)
    ),
    "masks-with-letters": keys(lambda self, o: bytes(random.choices(b"abcdefghijklmnop", k=4))),
    "masks-counting-up": keys(lambda self, opcode: _count(self, 1)),
    "masks-counting-in-steps": keys(lambda self, opcode: _count(self, 0x9E3779B9)),
    "masks-counting-through-a-process": keys(_of_process),
    "masks-with-the-time": keys(_of_time),
    "masks-by-a-linear-generator": keys(_linear),
    "masks-by-a-fixed-seed": keys(_seeded),
    "masks-by-one-of-256-seeds": keys(_seeded_once),
    "masks-two-frames-alike": keys(_every_second),
    "masks-by-the-handshake-key": keys(_of_digest),
    "masks-with-three-keys-in-turn": keys(_cycled),
    "masks-fragments-alike": type(
        "Both", (KeyBeforeEachMessageOnly, splits(lambda first, second: [first, second])), {}
    ),
    "masks-four-octets-only": MasksWrongly,
    "sets-mask-and-masks-nothing": MaskBitAlone,
    "sets-rsv1": frames(lambda self, f: f if self.agreed else replace(f, rsv=4)),
    "sets-rsv2": frames(lambda self, f: replace(f, rsv=f.rsv | 2)),
    "sets-rsv3": frames(lambda self, f: replace(f, rsv=f.rsv | 1)),
    "sets-rsv-of-pongs": written(lambda self, f: replace(f, rsv=1) if f.opcode == PONG else f),
    "sets-rsv1-of-pongs": written(lambda self, f: replace(f, rsv=4) if f.opcode == PONG else f),
    "sets-rsv-of-close": written(lambda self, f: replace(f, rsv=2) if f.opcode == CLOSE else f),
    "sends-reserved-opcode": ReservedOpcodeFirst,
    "sends-reserved-control-opcode": ReservedControlFirst,
    "sends-stray-continuation": StrayContinuationFirst,
    "lengths-in-two-octets": PaddedToOneLength,
    "lengths-in-eight-octets": LengthsInEightOctets,
    "control-lengths-in-two-octets": ControlLengthsInTwoOctets,
    "sends-long-ping": PingsWithLongPayload,
    "sends-fragmented-ping": FragmentedPing,
    "sends-fragmented-pongs": FragmentedPongs,
    "sends-fragmented-close": FragmentedClose,
    "continues-with-its-opcode": splits(lambda a, b: [a, replace(b, opcode=a.opcode)]),
    "first-fragment-is-continuation": splits(lambda a, b: [replace(a, opcode=CONT), b]),
    "last-fragment-has-no-fin": splits(lambda a, b: [a, replace(b, fin=False)]),
    "every-fragment-has-fin": splits(lambda a, b: [replace(a, fin=True), b]),
    "sends-fragments-backwards": splits(
        lambda a, b: [replace(a, payload=b.payload), replace(b, payload=a.payload)]
    ),
    "never-sets-fin": NeverEndsAFragmentedMessage,
    "sends-a-message-inside-another": InterleavesMessages,
    "sends-text-that-is-none": InvalidText,
    "sends-half-a-character": TextOfHalfCharacters,
    "announces-an-octet-too-many": AnnouncesTooMuch,
    "echoes-twice": EchoesTwice,
    "loses-the-second-message": EchoesSometimes,
    "long-messages-are-overtaken": EchoesOutOfOrder,
}
