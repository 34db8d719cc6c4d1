"""Whether a frame that came is the one that was asked for, or an answer to one that was sent."""

from __future__ import annotations

from sockproof.conformance.context.outcome import Failure
from sockproof.wire import WireError
from sockproof.wire.websocket import Frame, Opcode, is_control, parse_close


def is_like(got: Frame, opcode: int, payload: bytes | None) -> bool:
    """Whether the frame has this opcode and payload; None stands for any."""
    return got.opcode == opcode and payload in (None, got.payload)


def is_vague(got: Frame) -> bool:
    """Whether the application may say just that: any message, and a Pong without a payload."""
    return not is_control(got.opcode) or (got.opcode == Opcode.PONG and not got.payload)


def answers(got: Frame, behind: Frame | None) -> bool:
    """Whether the frame is the answer that a fence awaits; None is no fence."""
    return behind is not None and (got.opcode, got.payload) == (behind.opcode, behind.payload)


def close_code(close: Frame) -> int | None:
    """The code of a Close frame, None where it has none; a malformed one is a `Failure`."""
    try:
        return parse_close(close.payload)[0]
    except WireError as error:
        raise Failure("a well-formed Close frame", error) from error
