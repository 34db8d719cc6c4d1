"""Single faults of the client: classes that are put in front of the correct one."""

from tests.clients.raw_websocket.faults import (
    closing,
    compressing,
    frames,
    inflating,
    messages,
    negotiation,
    request,
    response,
    sending,
    text,
)

__all__ = [
    "closing",
    "compressing",
    "frames",
    "inflating",
    "messages",
    "negotiation",
    "request",
    "response",
    "sending",
    "text",
]
