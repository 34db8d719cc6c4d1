"""python-socketio's client with its ends watched: what it hears, what it cannot read, how much.

Where socket.io-client is stricter, this one is as strict, so that the lean client agrees with it.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from typing import Any

import engineio
import socketio

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.socketio.packets import see_name
from sockproof.load.socketio.session import LARGE, see_values
from sockproof.load.traffic import MAX_HELD, held, traffic
from sockproof.runs.load_records import Stray
from sockproof.wire import WireError, strict_json
from sockproof.wire.socketio import MAX_ATTACHMENTS

_A_PACKET = "a packet"


def octets_of(text: str) -> bytes:
    """A message of Engine.IO as it came, made without a second copy of a large one."""
    octets = io.BytesIO()
    octets.write(b"4")
    for start in range(0, len(text), LARGE):
        octets.write(text[start : start + LARGE].encode())
    return octets.getvalue()


class StrictJson:
    """JSON as socket.io-client reads it, and no more of it than can be borne."""

    dumps = staticmethod(json.dumps)

    @staticmethod
    def loads(text: str) -> Any:
        """The value; raises `ValueError`. Engine.IO's part reads with it, too, and first."""
        see_values(text, _A_PACKET)
        return strict_json.loads(text)


class EngineIO(engineio.Client):  # type: ignore[misc]
    """The library's client, which holds no packet once it has handed it over."""

    def _receive_packet(self, pkt: Any) -> None:
        super()._receive_packet(pkt)
        pkt.data = None  # its loops keep the packet until the next one has come


class Client(socketio.Client):  # type: ignore[misc]
    """The library's client, which shows each message, raw, before it hands it over.

    What it cannot read ends the connection.
    It numbers acknowledgements behind `last`, and tells of those that it would ignore.
    """

    heard: Callable[[bytes, bool], None]
    broken: Callable[[str], None]
    endpoint: Endpoint
    _binary_packet: Any
    _beyond = 0
    _attached = 0  # octets of attachments whose packet is not whole
    strayed: Callable[[int, int], Stray]
    _pieces: list[str | bytes]  # of the packet that is coming
    last = 0
    over = False  # what still comes is not looked at

    def _engineio_client_class(self) -> type[EngineIO]:
        return EngineIO

    def _generate_ack_id(self, namespace: str | None, callback: Any) -> int:
        self.callbacks.setdefault(namespace or "/", {0: itertools.count(self.last + 1)})
        self.last = int(super()._generate_ack_id(namespace, callback))
        return self.last

    def _handle_event(self, namespace: str | None, id: int | None, data: Any) -> None:  # noqa: A002
        see_name(data)
        if (namespace or "/") in self.connection_namespaces:
            self._show(data)
            super()._handle_event(namespace, id, data)

    def _handle_ack(self, namespace: str | None, id: int, data: Any) -> None:  # noqa: A002
        is_known = bool(id) and id in self.callbacks.get(namespace or "/", ())
        if is_known or self.strayed(id or 0, self.last) == Stray.LATE:
            self._show(data)
        if is_known:
            super()._handle_ack(namespace, id, data)

    def _show(self, data: Any) -> None:
        """Show the text, and the attachments that have a place in the data."""
        placed, values = set(), [data]
        while values:
            value = values.pop()
            if isinstance(value, list):
                values += value
            elif isinstance(value, dict):
                values += value.values()
            elif isinstance(value, bytes):
                placed.add(id(value))
        for piece in self._pieces:
            if isinstance(piece, str):
                self.heard(octets_of(piece), False)
            elif id(piece) in placed:
                self.heard(piece, True)

    def _handle_error(self, namespace: str | None, data: Any) -> None:
        if (namespace or "/") in self.namespaces:
            self.broken(f"CONNECT_ERROR for {namespace or '/'}, which is connected")
        else:
            super()._handle_error(namespace, data)

    def _handle_eio_message(self, data: str | bytes) -> None:
        if self.over:
            return
        try:
            if isinstance(data, str):
                if self._binary_packet is not None:
                    raise WireError("a text packet while attachments are missing")
                see_values(data, _A_PACKET)
                self._pieces = [data]
            elif self._binary_packet is not None:
                self._pieces.append(data)
            super()._handle_eio_message(data)
            waits = self._binary_packet is not None
            if not waits:
                self._pieces = []
            elif self._binary_packet.attachment_count > MAX_ATTACHMENTS:
                raise WireError(f"a packet has more than {MAX_ATTACHMENTS} attachments")
            self._attached = self._attached + len(data) if waits else 0
            self._beyond = held(self._beyond, self._attached, self.endpoint.share)
            if self._attached > self.endpoint.max_message or (
                self._beyond and traffic.held > MAX_HELD
            ):
                raise WireError("the attachments of a packet are too big")
        except Exception as error:  # of a packet that the library, or we, cannot read
            self.forget()
            self.broken(f"{type(error).__name__}: {error}"[:200])

    def forget(self) -> None:
        """Look at nothing more, and let go of a packet that is not whole.

        The client itself is in cycles, and may be here for a while.
        """
        self.over = True
        self._beyond = held(self._beyond, 0, 0)
        self._binary_packet = None
        self._pieces = []
