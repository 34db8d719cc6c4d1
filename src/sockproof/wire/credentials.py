"""Credentials that stand in a URL: what is sent of them, and how a URL is shown without them."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote_to_bytes

_USERINFO = re.compile(r"(?<=//)[^/?#]*@")
_SECRET_NAME = re.compile(
    r"token|auth|key|secret|passw|pwd|signature|\bsig\b|session|\bsid\b|jwt|credential",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"([?&])([^=&#]*)=([^&#\s]+)")


def basic(userinfo: str) -> str:
    """The Authorization field's value for a URL's `user:password` (RFC 7617, 2; RFC 3986, 3.2.1).

    Percent-encoded octets are sent decoded; a missing password is an empty one.
    """
    user, _, password = userinfo.partition(":")
    octets = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return "Basic " + base64.b64encode(octets).decode("ascii")


def is_secret(name: str) -> bool:
    """Whether a parameter of this name is likely to be nobody else's business."""
    return _SECRET_NAME.search(name) is not None


def masked_url(url: str) -> str:
    """`url`, valid or not, with asterisks for its userinfo and for parameters named as secrets."""
    return _PARAMETER.sub(_masked, _USERINFO.sub("***@", url))


def _masked(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}=***" if is_secret(found[2]) else found[0]
