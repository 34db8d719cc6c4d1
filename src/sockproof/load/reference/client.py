"""python-socketio's client with its ends watched: what it hears, what it cannot read, how much.

Where socket.io-client is stricter, this one is as strict, so that the lean client agrees with it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import socketio
from engineio.payload import Payload

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.socketio.packets import see_name
from sockproof.load.socketio.session import see_values
from sockproof.load.traffic import MAX_HELD, held, traffic
from sockproof.runs.load_records import Stray
from sockproof.wire import WireError, strict_json

# The library stops reading, without a word, at a body of more than 16 packets, which is no fault
# of the server's; how big a body may be is bounded by its octets.
Payload.max_decode_packets = 10_000


class StrictJson:
    """JSON as socket.io-client reads it."""

    dumps = staticmethod(json.dumps)
    loads = staticmethod(strict_json.loads)


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
    _pieces: list[tuple[bytes, bool]]  # of the packet that is coming
    last = 0
    over = False  # what still comes is not looked at

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
        for piece, is_binary in self._pieces:
            if not is_binary or id(piece) in placed:
                self.heard(piece, is_binary)

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
                octets = b"4" + data.encode("utf-8")
                self._pieces = [(octets, False)]
                see_values(octets, "a packet")
            elif self._binary_packet is not None:
                self._pieces.append((data, True))
            super()._handle_eio_message(data)
            waits = self._binary_packet is not None
            self._attached = self._attached + len(data) if waits else 0
            self._beyond = held(self._beyond, self._attached, self.endpoint.share)
            if self._attached > self.endpoint.max_message or (
                self._beyond and traffic.held > MAX_HELD
            ):
                raise WireError("the attachments of a packet are too big")
        except Exception as error:  # of a packet that the library, or we, cannot read
            self._beyond = held(self._beyond, 0, 0)
            self._binary_packet = None
            self.broken(f"{type(error).__name__}: {error}"[:200])
