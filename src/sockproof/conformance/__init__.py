"""Judging a server over the wire. What a shelf file of cases needs is named here."""

from sockproof.conformance.bystanders import KINDS as BYSTANDERS
from sockproof.conformance.bystanders import bystander, idle_websocket
from sockproof.conformance.case import case
from sockproof.conformance.client_frames import (
    client_frame,
    close_frame,
    text_frame,
    text_packet,
)
from sockproof.conformance.controls import (
    ordinary_client,
    ordinary_close,
    ordinary_compressed,
    ordinary_fragments,
    ordinary_frame,
    ordinary_handshake,
    ordinary_length,
    ordinary_post,
    ordinary_session,
    ordinary_text,
    ordinary_upgrade,
    ordinary_websocket_session,
)
from sockproof.conformance.echo_peer import EchoPeer
from sockproof.conformance.engineio_checks import (
    abandon,
    check_label,
    expect_no_message,
    expect_no_probe,
    expect_ping,
    expect_post_refused,
    expect_timed_out,
)
from sockproof.conformance.engineio_peer import EngineIOPeer
from sockproof.conformance.growth import Probe, Send, expect_proportion, request_probe
from sockproof.conformance.http_peer import HttpPeer
from sockproof.conformance.outcome import (
    UNANSWERED,
    Failure,
    IllegalFrame,
    Inconclusive,
    StreamClosed,
    Unsupported,
)
from sockproof.conformance.processes import clients_apart, fence_across
from sockproof.conformance.service import still_serves
from sockproof.conformance.socketio_peer import SocketIOPeer
from sockproof.conformance.target import Target
from sockproof.conformance.upgrade_response import agreed_deflate, check_upgrade
from sockproof.conformance.waiting_gets import beside_gets
from sockproof.conformance.websocket_peer import DATA, WebSocketPeer
from sockproof.vocabulary import Seen
from sockproof.wire.websocket import RSV1, RSV2, RSV3, Frame, Opcode

__all__ = [
    "BYSTANDERS",
    "DATA",
    "RSV1",
    "RSV2",
    "RSV3",
    "UNANSWERED",
    "EchoPeer",
    "EngineIOPeer",
    "Failure",
    "Frame",
    "HttpPeer",
    "IllegalFrame",
    "Inconclusive",
    "Opcode",
    "Probe",
    "Seen",
    "Send",
    "SocketIOPeer",
    "StreamClosed",
    "Target",
    "Unsupported",
    "WebSocketPeer",
    "abandon",
    "agreed_deflate",
    "beside_gets",
    "bystander",
    "case",
    "check_label",
    "check_upgrade",
    "client_frame",
    "clients_apart",
    "close_frame",
    "expect_no_message",
    "expect_no_probe",
    "expect_ping",
    "expect_post_refused",
    "expect_proportion",
    "expect_timed_out",
    "fence_across",
    "idle_websocket",
    "ordinary_client",
    "ordinary_close",
    "ordinary_compressed",
    "ordinary_fragments",
    "ordinary_frame",
    "ordinary_handshake",
    "ordinary_length",
    "ordinary_post",
    "ordinary_session",
    "ordinary_text",
    "ordinary_upgrade",
    "ordinary_websocket_session",
    "request_probe",
    "still_serves",
    "text_frame",
    "text_packet",
]
