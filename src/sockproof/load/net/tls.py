"""TLS over memory, and what is said when it fails."""

from __future__ import annotations

import ssl


class Tls:
    """TLS between two buffers in memory."""

    __slots__ = ("incoming", "outgoing", "session")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host)


def tls_failure(error: Exception) -> str:
    """One line about an exception of the `ssl` module."""
    if isinstance(error, ssl.SSLCertVerificationError):
        said = error.verify_message
        return f"the certificate is not accepted: {said} (use --ca FILE to trust it, or --insecure)"
    if isinstance(error, ssl.SSLEOFError):
        return "the server ended the stream in the TLS handshake"
    said = getattr(error, "reason", None) or str(error)
    return f"TLS: {str(said).replace('_', ' ').lower()}"
