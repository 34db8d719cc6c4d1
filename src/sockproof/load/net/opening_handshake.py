"""The opening handshake of a WebSocket connection: what is asked, and what may be answered.

Thousands of connections to one endpoint ask the same and are answered the same, but for the key and
its accept value (RFC 6455, 4.2.2). So the request is built once, and an answer that is the one
before with another accept value is judged as that was.
"""

from __future__ import annotations

import functools
import os
from binascii import b2a_base64
from hashlib import sha1
from typing import Final

from sockproof.load.net.endpoint import Endpoint, together
from sockproof.load.traffic import traffic
from sockproof.wire import WireError
from sockproof.wire.deflate import NAME, Compressor, Decompressor, Parameters, parse_extensions
from sockproof.wire.http import (
    GUID,
    HeadReader,
    Response,
    parse_response_head,
    upgrade_request,
)
from sockproof.wire.opening_handshake import wrong_field

MAX_HEAD: Final = 64 * 1024
Codecs = tuple[Compressor, Decompressor]
_GUID: Final = GUID.encode("ascii")
_KEY: Final = b"\r\nSec-WebSocket-Key: "


@functools.lru_cache(maxsize=64)  # users may have fields of their own
def _request(
    endpoint: Endpoint, target: str, headers: tuple[tuple[str, str], ...]
) -> tuple[bytes, bytes]:
    """The request before its key, and behind it."""
    whole = upgrade_request(
        endpoint.host_header,
        target,
        key="",
        protocols=endpoint.protocols,
        extensions=f"{NAME}; client_max_window_bits" if endpoint.deflate else None,
        headers=together(endpoint.headers, headers),
    ).encode()
    before, name, after = whole.partition(_KEY)
    return before + name, after


class _Known:
    """The last answer of an endpoint that was a yes, without extensions."""

    __slots__ = ("after", "before", "endpoint", "protocol")

    def __init__(self) -> None:
        self.endpoint: Endpoint | None = None
        self.before = b""  # of its head what stands before the accept value, and behind it
        self.after = b""
        self.protocol: str | None = None

    def learn(self, endpoint: Endpoint, head: bytes, accept: bytes, protocol: str | None) -> None:
        """This head has opened a connection, and its accept value stands there once."""
        self.endpoint, self.protocol = endpoint, protocol
        self.before, _, self.after = head.partition(accept)


_known: Final = _Known()


class OpeningHandshake:
    """What a connection needs until its opening handshake is over."""

    __slots__ = ("_key", "_reader", "refused")

    def __init__(self) -> None:
        self._key = b2a_base64(os.urandom(16), newline=False)
        self.refused = False  # whether the server has answered with another status than 101
        self._reader: HeadReader | None = None

    def request(
        self, endpoint: Endpoint, target: str, headers: tuple[tuple[str, str], ...]
    ) -> bytes:
        """The request; the endpoint's own fields of the names in `headers` are left out."""
        before, after = _request(endpoint, target, headers)
        return b"".join((before, self._key, after))

    def read(
        self, data: bytes, endpoint: Endpoint
    ) -> tuple[bytes, str | None, Codecs | None] | None:
        """The octets behind the answer, the subprotocol, and what compresses messages.

        None while the answer is not there whole; raises `WireError` for one that is no yes.
        """
        accept, reader = b"", self._reader
        if reader is None:
            digest = sha1(self._key + _GUID, usedforsecurity=False).digest()
            accept = b2a_base64(digest, newline=False)
            if _known.endpoint is endpoint:
                same = b"".join((_known.before, accept, _known.after))
                if data.startswith(same):
                    return data[len(same) :], _known.protocol, None
            reader = self._reader = HeadReader(MAX_HEAD)
        read = reader.feed(data)
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
        protocol, deflate = self._agree(response, endpoint)
        head = data[: len(data) - len(rest)]
        if deflate is None and accept and head.count(accept) == 1:  # and so it came in one piece
            _known.learn(endpoint, head, accept, protocol)
        return rest, protocol, deflate

    def _agree(self, response: Response, endpoint: Endpoint) -> tuple[str | None, Codecs | None]:
        wrong = wrong_field(response, self._key.decode("ascii"))
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
