"""Secrets and what they turn into on their way: blotted out wherever they are shown.

The rules that hold here:

* A secret is looked for as it is and as others spell it: percent-encoded, escaped for JSON, HTML
  or Python, in hexadecimal, in Base64 at each of its three places, in any case of letters.
* So is each part of it that has eight characters: a text may have been cut before it came here.
* What is shorter than four characters is no secret, and would blot out half of a log.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from sockproof.wire.url import basic, is_secret

SHORTEST = 4  # characters of a secret
PART = 8  # octets of one that are blotted out without the rest
MASK = b"*"
_STEP = 4  # octets between the places of a text that are looked at
_GRAM = PART - _STEP + 1  # octets that are looked at there, so that each part holds such a place

_SECRET_HEADERS = re.compile(
    rb"(?im)^((?:proxy-)?authorization|cookie|set-cookie)([ \t]*:[ \t]*)([^\r\n]*)"
)
_CREDENTIALS = ("authorization", "proxy-authorization")
# What everybody may know, however it was given; of other fields nobody can tell.
_PUBLIC = re.compile(
    r"accept(-.*)?|cache-control|connection|content-(type|length)|forwarded|host|origin|pragma"
    r"|referer|upgrade|user-agent|via|x-forwarded-.*|x-requested-with"
    r"|sec-(fetch-.*|websocket-(extensions|protocol|version))",
    re.IGNORECASE,
)


class Redactor:
    """Replaces secrets, and parts of them, by asterisks, as many as they have octets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        kept = list(dict.fromkeys(each for each in secrets if len(each) >= SHORTEST))
        forms = {form.lower() for each in kept for form in _spellings(each)}
        whole = sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)
        self._whole = re.compile(b"|".join(map(re.escape, whole))) if whole else None
        self._places: dict[bytes, list[tuple[bytes, int]]] = {}
        for form in whole:
            for at in range(len(form) - _GRAM + 1) if len(form) >= PART else ():
                self._places.setdefault(form[at : at + _GRAM], []).append((form, at))

    def octets(self, data: bytes) -> bytes:
        """`data` with the secrets' values blotted out."""
        if self._whole is None or not data:
            return data
        lower = data.lower()
        spans = [found.span() for found in self._whole.finditer(lower)]
        spans += self._parts(lower)
        if not spans:
            return data
        shown = bytearray(data)
        for start, end in spans:
            shown[start:end] = MASK * (end - start)
        return bytes(shown)

    def _parts(self, data: bytes) -> Iterator[tuple[int, int]]:
        places, done = self._places, 0
        for looked in range(0, len(data) - _GRAM + 1, _STEP):
            found = places.get(data[looked : looked + _GRAM])
            if found is None or looked + _GRAM <= done:
                continue
            for form, at in found:
                start, end = looked, looked + _GRAM
                before, behind = at, at + _GRAM
                while before and start and form[before - 1] == data[start - 1]:
                    before, start = before - 1, start - 1
                while behind < len(form) and end < len(data) and form[behind] == data[end]:
                    behind, end = behind + 1, end + 1
                if end - start >= PART:
                    done = max(done, end)
                    yield start, end

    def head(self, data: bytes) -> bytes:
        """`data`, an HTTP head, with credential fields blotted out, whoever sent them."""
        hidden = _SECRET_HEADERS.sub(lambda found: found[1] + found[2] + MASK * len(found[3]), data)
        return self.octets(hidden)

    def text(self, text: str) -> str:
        """`text` with the secrets' values blotted out."""
        if self._whole is None:
            return text
        octets = text.encode("utf-8", "surrogatepass")
        hidden = self.octets(octets)
        return text if hidden == octets else hidden.decode("utf-8", "replace")


def _spellings(secret: str) -> Iterator[bytes]:
    """What a secret looks like in other places."""
    texts = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    texts |= {secret.replace("/", "\\/"), repr(secret)[1:-1], html.escape(secret)}
    texts |= {quote(secret, safe="", errors="replace"), quote(secret, errors="replace")}
    texts |= {quote_plus(secret, errors="replace")}
    for text in texts:
        yield text.encode("utf-8", "surrogatepass")
    raws = {secret.encode("utf-8", "surrogatepass")}
    if max(secret) <= "\xff":
        raws.add(secret.encode("latin-1"))
    for raw in raws:
        yield raw
        yield repr(raw)[2:-1].encode("ascii")
        if len(raw) >= SHORTEST:
            yield raw.hex().encode("ascii")
            yield raw.hex(" ").encode("ascii")
        yield from _in_base64(raw)


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """The characters of Base64 that the octets alone decide, behind none, one and two others."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)
        start = -(-before * 8 // 6)
        end = (before + len(raw)) * 8 // 6
        inner = encoded[start:end]
        if len(inner) >= PART:
            yield inner
            yield inner.replace(b"+", b"-").replace(b"/", b"_")


def secrets_of_url(url: str, names: Iterable[str] = ()) -> list[str]:
    """Userinfo as it is sent and shown, and the values of parameters that are, or look, secret."""
    try:
        parts = urlsplit(url)
        userinfo, at, _ = parts.netloc.rpartition("@")
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return [url]
    found = [value for name, value in pairs if name in set(names) or is_secret(name)]
    if at:
        password = userinfo.partition(":")[2]
        found += [userinfo, unquote(userinfo), password, unquote(password)]
        found.append(basic(userinfo).rpartition(" ")[2])
    return found


def is_public(name: str) -> bool:
    """Whether a header field of this name holds nothing secret."""
    return _PUBLIC.fullmatch(name) is not None


def secrets_of_headers(headers: Iterable[tuple[str, str]]) -> list[str]:
    """What header fields hold, but for those that everybody may know."""
    found: list[str] = []
    for name, value in headers:
        if name.lower() == "cookie":
            found += [value, *(pair.partition("=")[2].strip() for pair in value.split(";"))]
        elif name.lower() in _CREDENTIALS:
            found += [value, value.rpartition(" ")[2]]
            scheme, _, encoded = value.partition(" ")
            if scheme.lower() == "basic":
                found += _of_basic(encoded)
        elif not is_public(name):
            found.append(value)
    return found


def _of_basic(encoded: str) -> list[str]:
    try:
        pair = base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
    except ValueError:
        return []
    return [pair, pair.partition(":")[2]]


def secrets_of_value(value: Any) -> list[str]:
    """All texts and numbers in a JSON value; keys are none."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
        elif isinstance(each, str):
            found.append(each)
        elif isinstance(each, int | float) and not isinstance(each, bool):
            found.append(str(each))
    return found
