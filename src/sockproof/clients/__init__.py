"""Judging a client over the wire. What a shelf file of its cases needs is named here."""

from sockproof.clients.beside import WAITS
from sockproof.clients.peers.checks import (
    expect_end_without,
    expect_no_connection,
    expect_not_open,
    expect_refused_close,
    fails_or_tolerates,
    opens_or_ends,
)
from sockproof.clients.peers.websocket import WebSocketVisitor, server_frame
from sockproof.clients.sessions.setup import TRANSPORTS
from sockproof.clients.sessions.socketio import SocketIOSession, with_bins
from sockproof.clients.sessions.visit import Visit
from sockproof.clients.sessions.visitor import SocketIOVisitor
from sockproof.clients.sessions.websocket import EngineIOWebSocket
from sockproof.conformance.context.outcome import (
    Failure,
    IllegalFrame,
    Inconclusive,
    StreamClosed,
    Unsupported,
)
from sockproof.conformance.shelf.case import case
from sockproof.vocabulary import Seen
from sockproof.wire.deflate import TAIL, Compressor, Parameters
from sockproof.wire.http import Response, accept_value
from sockproof.wire.websocket import RSV1, RSV2, RSV3, Frame, Opcode, close_payload

__all__ = [
    "RSV1",
    "RSV2",
    "RSV3",
    "TAIL",
    "TRANSPORTS",
    "WAITS",
    "Compressor",
    "EngineIOWebSocket",
    "Failure",
    "Frame",
    "IllegalFrame",
    "Inconclusive",
    "Opcode",
    "Parameters",
    "Response",
    "Seen",
    "SocketIOSession",
    "SocketIOVisitor",
    "StreamClosed",
    "Unsupported",
    "Visit",
    "WebSocketVisitor",
    "accept_value",
    "case",
    "close_payload",
    "expect_end_without",
    "expect_no_connection",
    "expect_not_open",
    "expect_refused_close",
    "fails_or_tolerates",
    "opens_or_ends",
    "server_frame",
    "with_bins",
]
