"""What a run trusts when the target speaks TLS: RFC 6455, 10.6, and RFC 9325."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from sockproof.files import MIB, FileError, opened

MOST_OCTETS = 16 * MIB  # of certificates


class TrustError(Exception):
    """A CA file that cannot be used; the message is one line."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The authorities that certificates are verified against: the system's, or those of `ca`.

    Without `verifies` every certificate is taken, and the cases about certificates judge none.
    """

    ca: Path | None = None
    verifies: bool = True

    def context(self) -> ssl.SSLContext:
        """A new client's context: TLS 1.2 or newer; raises `TrustError`."""
        try:
            if self.ca is not None:
                with opened(self.ca, MOST_OCTETS):
                    pass
            context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        except FileError as error:
            raise TrustError(str(error)) from None
        except ssl.SSLError:
            raise TrustError(f"{self.ca}: holds no certificate in PEM form") from None
        except OSError as error:
            raise TrustError(f"{self.ca}: {error.strerror}") from None
        if not self.verifies:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
