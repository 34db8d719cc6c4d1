"""The opening handshake of a WebSocket connection: what is asked, and what may be answered."""

from __future__ import annotations

import base64
import os
from typing import Final

from sockproof.load.net.endpoint import Endpoint, together
from sockproof.load.traffic import traffic
from sockproof.wire import WireError
from sockproof.wire.deflate import NAME, Compressor, Decompressor, Parameters, parse_extensions
from sockproof.wire.http import (
    HeadReader,
    Response,
    parse_response_head,
    upgrade_request,
)
from sockproof.wire.opening_handshake import wrong_field

MAX_HEAD: Final = 64 * 1024
Codecs = tuple[Compressor, Decompressor]


class OpeningHandshake:
    """What a connection needs until its opening handshake is over."""

    __slots__ = ("_reader", "key", "refused")

    def __init__(self) -> None:
        self.key = base64.b64encode(os.urandom(16)).decode("ascii")
        self.refused = False  # whether the server has answered with another status than 101
        self._reader = HeadReader(MAX_HEAD)

    def request(
        self, endpoint: Endpoint, target: str, headers: tuple[tuple[str, str], ...]
    ) -> bytes:
        """The request; the endpoint's own fields of the names in `headers` are left out."""
        request = upgrade_request(
            endpoint.host_header,
            target,
            key=self.key,
            protocols=endpoint.protocols,
            extensions=f"{NAME}; client_max_window_bits" if endpoint.deflate else None,
            headers=together(endpoint.headers, headers),
        )
        return request.encode()

    def read(
        self, data: bytes, endpoint: Endpoint
    ) -> tuple[bytes, str | None, Codecs | None] | None:
        """The octets behind the answer, the subprotocol, and what compresses messages.

        None while the answer is not there whole; raises `WireError` for one that is no yes.
        """
        read = self._reader.feed(data)
        if read is None:
            return None
        lines, wrong, rest = read
        response = parse_response_head(lines, wrong)
        if traffic.server is None:
            traffic.server = response.get("Server") or ""
        if response.status != 101:
            self.refused = True
            said = f"{response.status} {response.reason}".rstrip() + one_line(rest)
            raise WireError(f"the server answered {said}")
        return rest, *self._agree(response, endpoint)

    def _agree(self, response: Response, endpoint: Endpoint) -> tuple[str | None, Codecs | None]:
        wrong = wrong_field(response, self.key)
        if wrong is not None:
            raise WireError(f"{wrong.field} is {wrong.got!r}, not {wrong.wanted}")
        protocol = response.get("Sec-WebSocket-Protocol")
        if protocol is not None and protocol not in endpoint.protocols:
            raise WireError(f"the subprotocol {protocol!r} was not offered")
        if protocol is None and endpoint.protocols:  # which browsers take for a failure
            raise WireError(f"none of the subprotocols {', '.join(endpoint.protocols)} was chosen")
        deflate = None
        value = response.get("Sec-WebSocket-Extensions")
        for extension in () if value is None else parse_extensions(value):
            if extension.name != NAME or not endpoint.deflate or deflate is not None:
                raise WireError(f"the extension {extension.name!r} was not offered")
            agreed = Parameters.from_response(extension)
            deflate = (
                Compressor(agreed.client_max_window_bits, not agreed.client_no_context_takeover),
                Decompressor(
                    agreed.server_max_window_bits,
                    not agreed.server_no_context_takeover,
                    endpoint.max_message,
                ),
            )
        return protocol, deflate


def one_line(octets: bytes) -> str:
    """The beginning of a body, to stand behind a status; empty when there is none."""
    text = " ".join(octets[:200].decode("utf-8", "replace").split())
    return f": {text[:120]!r}" if text else ""
