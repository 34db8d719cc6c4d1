"""The limits of the correct WebSocket server, which tests declare of it, and faults at them.

RFC 6455, 10.4. What harms a server's other clients is in `neighbours.py`.
"""

from __future__ import annotations

MAX_MESSAGE = 16 * 1024 * 1024
MAX_FRAGMENTS = 5000
MAX_HEAD = 64 * 1024
MAX_PINGS = 1000  # more in a row are answered too: a limit that is declared low
DECLARED = {
    "max_message": MAX_MESSAGE,
    "max_fragments": MAX_FRAGMENTS,
    "max_header_octets": MAX_HEAD,
    "max_pending_pings": MAX_PINGS,
}
BOUNDLESS = 1 << 62
LONG = 60_000  # octets of a message that a fault takes for a long one


def message_bound(fault: str | None) -> int:
    """Octets of the longest message."""
    match fault:
        case "refuses-messages-of-the-limit":
            return MAX_MESSAGE - 1
        case "takes-messages-beyond-the-limit":
            return 2 * MAX_MESSAGE
    return MAX_MESSAGE


def frame_bound(fault: str | None) -> int:
    """Octets of the longest frame that is waited for."""
    if fault == "waits-for-announced-payloads":
        return BOUNDLESS
    return message_bound(fault)


def fragment_bound(fault: str | None) -> int:
    """Frames of one message."""
    match fault:
        case "refuses-fragments-of-the-limit":
            return MAX_FRAGMENTS - 1
        case "keeps-fragments-without-bound":
            return BOUNDLESS
    return MAX_FRAGMENTS


def head_bound(fault: str | None) -> int:
    """Octets of the longest request head."""
    match fault:
        case "refuses-heads-of-the-limit":
            return MAX_HEAD - 1
        case "reads-heads-without-bound":
            return BOUNDLESS
    return MAX_HEAD


def spoilt_answer(fault: str | None, number: int, payload: bytes) -> bytes:
    """The answer to the message of this number (from 1), as a fault of long runs has it."""
    match fault:
        case "spoils-long-messages" if len(payload) > LONG:
            return payload[:-1] + b"?"
        case "spoils-the-fifteenth-message" if number == 15:
            return payload + b"?"
        case "counts-messages-in-an-octet" if number % 256 == 0:
            return payload + b"?"
    return payload
