"""python-socketio's client with its ends watched: what it hears, what it cannot read, how much."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import socketio
from engineio.payload import Payload

from sockproof.load.net.endpoint import MAX_HELD, Endpoint, held, traffic
from sockproof.load.socketio.session import see_values
from sockproof.wire import WireError

# The library stops reading, without a word, at a body of more than 16 packets, which is no fault
# of the server's; how big a body may be is bounded by its octets.
Payload.max_decode_packets = 10_000


class Client(socketio.Client):  # type: ignore[misc]
    """The library's client, which shows each message before it looks at it.

    What it cannot read ends the connection.
    It numbers acknowledgements behind `last`, and tells of those that it would ignore.
    """

    heard: Callable[[bytes, bool], None]
    broken: Callable[[str], None]
    endpoint: Endpoint
    _binary_packet: Any
    _beyond = 0
    _attached = 0  # octets of attachments whose packet is not whole
    strayed: Callable[[int, int], None]
    last = 0
    over = False  # what still comes is not looked at

    def _generate_ack_id(self, namespace: str | None, callback: Any) -> int:
        self.callbacks.setdefault(namespace or "/", {0: itertools.count(self.last + 1)})
        self.last = int(super()._generate_ack_id(namespace, callback))
        return self.last

    def _handle_ack(self, namespace: str | None, id: int, data: Any) -> None:  # noqa: A002
        if id and id in self.callbacks.get(namespace or "/", ()):
            super()._handle_ack(namespace, id, data)
        else:
            self.strayed(id or 0, self.last)

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
                octets = b"4" + data.encode("utf-8")
                self.heard(octets, False)
                see_values(octets, "a packet")
            else:
                self.heard(data, True)
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
