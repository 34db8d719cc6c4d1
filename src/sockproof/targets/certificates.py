"""Certificates for targets that speak TLS, made anew each time and thrown away afterwards.

The chain has an intermediate authority, as certificates of the public web have, so that a server
which leaves it out can be told from one that sends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sockproof.errors import NotJudged

HOSTS = ("localhost", "127.0.0.1", "::1")


class CertificateError(NotJudged):
    """Certificates that cannot be made; the message is one line."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: the authority to trust, the server's chain (leaf first), and its private key."""

    ca: Path
    chain: Path
    key: Path


def make_certificates(folder: Path, hosts: tuple[str, ...] = HOSTS) -> Certificates:
    """Make an authority, an intermediate one and a server's certificate for `hosts` in `folder`.

    Raises `CertificateError` where trustme is not installed.
    """
    try:
        import trustme
    except ImportError:
        raise CertificateError("TLS targets need: pip install trustme") from None
    authority = trustme.CA(organization_name="sockproof, for tests alone")
    server = authority.create_child_ca().issue_cert(*hosts)
    made = Certificates(folder / "ca.pem", folder / "chain.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(str(made.ca))
    for blob in server.cert_chain_pems:
        blob.write_to_path(str(made.chain), append=True)
    made.key.touch(mode=0o600)
    server.private_key_pem.write_to_path(str(made.key))
    return made
