"""What one peer has said on its WebSocket, so that what comes back can be told from other talk.

A server may say whatever it likes, whenever it likes: a greeting, a tick, news of others. What
holds the octets of something that this peer sent answers it; the rest is the application's own.
"""

from __future__ import annotations

from collections import Counter

from sockproof.wire.websocket import Frame, Opcode, is_control

KEPT_OCTETS = 2 * 1024 * 1024  # of contents, the latest; older ones are no longer recognised
LIKE_OCTETS = 4  # a shorter piece of what was sent is no evidence
TELLING_OCTETS = 16  # of a Pong: shorter ones may be a server's own heartbeat by chance


class Said:
    """The data frames that a peer has sent, and what follows from them."""

    def __init__(self) -> None:
        self._frames: list[tuple[bytes, bool]] = []  # content, and whether it is part of a message
        self._octets = 0
        self._unanswered: Counter[bytes] = Counter()  # payloads of Pings
        self.was_answered = False  # a Ping, by a Pong
        self.open = False  # inside a fragmented message
        self.closing = False  # a Close frame has been sent
        self.kinds: set[int] = set()  # opcodes of the messages begun so far
        self.largest = 0  # octets of the largest message so far
        self.most_fragments = 0
        self._message = (0, 0)  # octets and fragments of the message under way

    def note(self, frame: Frame, payload: bytes) -> None:
        """Remember a frame; `payload` is its content before any compression."""
        telling = frame.opcode == Opcode.PONG and len(payload) >= TELLING_OCTETS
        if frame.opcode == Opcode.PING or telling:
            self._unanswered[payload] += 1
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

    def is_answered(self, payload: bytes) -> bool:
        """Whether a Pong with this payload, which has come, answers something that was sent.

        It is a Ping, or a Pong that can be told from others, and has its answer then: a server
        may send Pongs unasked, with any payload (5.5.3), and what comes beyond is one of them.
        """
        if not self._unanswered[payload]:
            return False
        self._unanswered[payload] -= 1
        self.was_answered = True
        return True

    def needs_no_pong(self, payload: bytes) -> None:
        """However many Pings with this payload were sent, what comes now is a heartbeat."""
        del self._unanswered[payload]

    def holds(self, message: Frame) -> bool:
        """Whether a message of the server says what this peer has said, whole or in part."""
        content = message.payload
        if any(content == each for each, _ in self._frames):
            return True
        if len(content) < LIKE_OCTETS:
            return False
        return content in b"".join(each for each, of_message in self._frames if of_message)
