"""Judging a server over the wire. What a shelf file of cases needs is named here."""

from sockproof.conformance.checks.bystanders import KINDS as BYSTANDERS
from sockproof.conformance.checks.bystanders import bystander, idle_websocket
from sockproof.conformance.checks.controls import (
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
from sockproof.conformance.checks.engineio_checks import (
    abandon,
    check_label,
    expect_no_message,
    expect_no_probe,
    expect_ping,
    expect_post_refused,
    expect_timed_out,
)
from sockproof.conformance.checks.growth import Probe, Send, expect_proportion, request_probe
from sockproof.conformance.checks.processes import clients_apart, fence_across
from sockproof.conformance.checks.still_serves import still_serves
from sockproof.conformance.context.outcome import (
    UNANSWERED,
    Failure,
    IllegalFrame,
    Inconclusive,
    StreamClosed,
    Unsupported,
)
from sockproof.conformance.peers.client_frames import (
    client_frame,
    close_frame,
    text_frame,
    text_packet,
)
from sockproof.conformance.peers.http import HttpPeer
from sockproof.conformance.peers.upgrade_response import agreed_deflate, check_upgrade
from sockproof.conformance.peers.websocket import DATA, WebSocketPeer
from sockproof.conformance.sessions.echo import EchoPeer
from sockproof.conformance.sessions.engineio import EngineIOPeer
from sockproof.conformance.sessions.socketio import SocketIOPeer
from sockproof.conformance.sessions.waiting_gets import beside_gets
from sockproof.conformance.shelf.case import case
from sockproof.conformance.targets.target import Target
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
