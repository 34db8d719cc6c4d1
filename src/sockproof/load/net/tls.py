"""TLS over memory, and what is said when it fails."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

_READ = 64 * 1024


class Tls:
    """TLS between two buffers in memory."""

    __slots__ = ("incoming", "outgoing", "session")

    def __init__(self, context: ssl.SSLContext, host: str, outer: Tls | None = None) -> None:
        """Its octets are those of the `outer` TLS, that of a proxy, if there is one."""
        self.incoming: Any = ssl.MemoryBIO()
        self.outgoing: Any = ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host)
        if outer is not None:
            self.incoming = _Inwards(outer, self.incoming)
            self.outgoing = _Outwards(outer, self.outgoing)


class _Inwards:
    """Octets of the outer TLS are decrypted into the inner one; whatever ends one ends both."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, outer: Tls, inner: ssl.MemoryBIO) -> None:
        self._outer, self._inner = outer, inner

    def write(self, data: bytes) -> None:
        self._outer.incoming.write(data)
        try:
            while plain := self._outer.session.read(_READ):
                self._inner.write(plain)
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError:
            pass
        self._inner.write_eof()

    def write_eof(self) -> None:
        self._inner.write_eof()


class _Outwards:
    """Octets of the inner TLS are encrypted once more."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, outer: Tls, inner: ssl.MemoryBIO) -> None:
        self._outer, self._inner = outer, inner

    def read(self) -> bytes:
        if plain := self._inner.read():
            with contextlib.suppress(ssl.SSLError):  # it has ended: the reader finds out
                self._outer.session.write(plain)
        octets: bytes = self._outer.outgoing.read()
        return octets


def tls_failure(error: Exception) -> str:
    """One line about an exception of the `ssl` module."""
    if isinstance(error, ssl.SSLCertVerificationError):
        said = error.verify_message
        return f"the certificate is not accepted: {said} (use --ca FILE to trust it, or --insecure)"
    if isinstance(error, ssl.SSLEOFError):
        return "the server ended the stream in the TLS handshake"
    said = getattr(error, "reason", None) or str(error)
    return f"TLS: {str(said).replace('_', ' ').lower()}"
