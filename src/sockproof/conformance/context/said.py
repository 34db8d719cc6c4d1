"""What one peer has said on its WebSocket, so that what comes back can be told from other talk.

A server may say whatever it likes, whenever it likes: a greeting, a tick, news of others. What
holds the octets of something that this peer sent answers it; the rest is the application's own.
"""

from __future__ import annotations

from sockproof.wire.websocket import Frame, Opcode, is_control

KEPT_OCTETS = 2 * 1024 * 1024  # of contents, the latest; older ones are no longer recognised
LIKE_OCTETS = 4  # a shorter piece of what was sent is no evidence


class Said:
    """The data frames that a peer has sent, and what follows from them."""

    def __init__(self) -> None:
        self._frames: list[tuple[bytes, bool]] = []  # content, and whether it is part of a message
        self._octets = 0
        self._controls: set[bytes] = set()
        self.open = False  # inside a fragmented message
        self.closing = False  # a Close frame has been sent
        self.kinds: set[int] = set()  # opcodes of the messages begun so far
        self.largest = 0  # octets of the largest message so far
        self.most_fragments = 0
        self._message = (0, 0)  # octets and fragments of the message under way

    def note(self, frame: Frame, payload: bytes) -> None:
        """Remember a frame; `payload` is its content before any compression."""
        if frame.opcode == Opcode.PING or (frame.opcode == Opcode.PONG and payload):
            self._controls.add(payload)  # an empty Pong says nothing that comes back
        self.closing = self.closing or frame.opcode == Opcode.CLOSE
        if is_control(frame.opcode):
            return
        self._frames.append((payload, frame.opcode in (Opcode.CONT, Opcode.TEXT, Opcode.BINARY)))
        self._octets += len(payload)
        while self._octets > KEPT_OCTETS and len(self._frames) > 1:
            self._octets -= len(self._frames.pop(0)[0])
        if frame.opcode != Opcode.CONT:
            self.kinds.add(frame.opcode)
            self._message = (0, 0)
        octets, fragments = self._message
        self._message = (octets + max(len(payload), frame.announced or 0), fragments + 1)
        self.largest = max(self.largest, self._message[0])
        self.most_fragments = max(self.most_fragments, self._message[1])
        self.open = not frame.fin

    def is_pinged(self, payload: bytes) -> bool:
        """Whether a Ping with this payload, or a Pong that can be told from others, was sent."""
        return payload in self._controls

    def is_answered(self, payload: bytes) -> None:
        """The Ping with this payload needs no Pong any more: what comes is a heartbeat."""
        self._controls.discard(payload)

    def holds(self, message: Frame) -> bool:
        """Whether a message of the server says what this peer has said, whole or in part."""
        content = message.payload
        if any(content == each for each, _ in self._frames):
            return True
        if len(content) < LIKE_OCTETS:
            return False
        return content in b"".join(each for each, of_message in self._frames if of_message)
