"""From typed options to the server that is judged and the job that judges it."""

from __future__ import annotations

import json
import shlex
import ssl
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sockproof.conformance.context.wirelog import Redactor
from sockproof.conformance.peers.tls import Trust, TrustError
from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.profile import Profile
from sockproof.conformance.targets.server import Server
from sockproof.errors import CommandError
from sockproof.wire.http import is_token
from sockproof.wire.redaction import is_public, secrets_of_headers, secrets_of_url, secrets_of_value
from sockproof.wire.url import Address, AddressError

SUBPROTOCOL = "sec-websocket-protocol"


def build_server(
    url: str, profile: Profile, options: Namespace, trust: Trust | None = None
) -> Server:
    """The server that the options describe; raises `CommandError`.

    `trust` is what a target of our own is trusted by, instead of what the options say.
    """
    try:
        address = Address.parse(url)
    except AddressError as error:
        raise CommandError(str(error)) from None
    if options.ca is not None and options.insecure:
        raise CommandError("--ca and --insecure exclude each other")
    if (options.ca is not None or options.insecure) and not address.tls and options.url:
        raise CommandError("--ca and --insecure are for wss:// and https://")
    trust = trust or Trust(options.ca, not options.insecure)
    if options.path is not None or options.namespace is not None:
        profile = replace(
            profile,
            path=_slash("--path", options.path or profile.path),
            namespace=_slash("--namespace", options.namespace or profile.namespace),
        )
    return Server(
        address=address,
        profile=profile,
        headers=_headers(options),
        subprotocols=_subprotocols(options),
        auth=_auth(options.auth),
        token=options.token,
        trust=trust,
        tls=_context(trust) if address.tls else None,
        thorough=options.thorough,
    )


def _context(trust: Trust) -> ssl.SSLContext:
    try:
        return trust.context()
    except TrustError as error:
        raise CommandError(str(error)) from None


def _slash(option: str, value: str) -> str:
    if not value.startswith("/"):
        raise CommandError(f"{option} begins with a slash, unlike {value!r}")
    return value


def _auth(text: str | None) -> Any:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--auth is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise CommandError('--auth is a JSON object, like \'{"token": "…"}\'')
    return value


def _headers(options: Namespace) -> tuple[tuple[str, str], ...]:
    headers = []
    for line in options.header:
        name, colon, value = line.partition(":")
        if not colon or not is_token(name.strip()):
            raise CommandError(f"--header is 'Name: value', which {len(line)} characters are not")
        if name.strip().lower() == SUBPROTOCOL:
            continue  # offered where `--subprotocol` is, and not by cases that have an offer
        headers.append((name.strip(), _field_value("--header", value.strip())))
    for cookie in options.cookie:
        if "=" not in cookie:
            raise CommandError(f"--cookie is 'name=value', which {len(cookie)} characters are not")
    if options.cookie:
        headers.append(("Cookie", _field_value("--cookie", "; ".join(options.cookie))))
    return tuple(headers)


def _subprotocols(options: Namespace) -> tuple[str, ...]:
    """What `--subprotocol` names, and a header field of the same meaning."""
    names = list(options.subprotocol)
    for line in options.header:
        name, _, value = line.partition(":")
        if name.strip().lower() == SUBPROTOCOL:
            names += [each.strip() for each in value.split(",")]
    for name in names:
        if not is_token(name):
            raise CommandError(f"--subprotocol is a token (RFC 6455, 4.1), not {name!r}")
    return tuple(dict.fromkeys(names))


def _field_value(option: str, value: str) -> str:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise CommandError(f"{option}: a header field holds no such character") from None
    if any(character in value for character in "\r\n\0"):
        raise CommandError(f"{option}: a header field holds no line break")
    return value


def redactor(server: Server) -> Redactor:
    """What hides the server's credentials in logs and reports."""
    return Redactor(
        [
            server.token or "",
            *secrets_of_headers(server.headers),
            *secrets_of_value(server.auth),
            *secrets_of_url(server.address.url, server.profile.secret_query),
        ]
    )


def rerun_command(options: Namespace, what: list[str], hide: Redactor) -> Callable[[Case], str]:
    """Makes the command that repeats one case, its credentials left for the reader to fill in."""
    words = ["sockproof", "conformance", *what]
    for option in ("profile", "ca", "path", "namespace"):
        value = getattr(options, option)
        if value is not None:
            words += [f"--{option}", str(value)]
    words += [f"--{name}" for name in ("insecure", "thorough") if getattr(options, name)]
    if options.timeout != 5.0:
        words += ["--timeout", f"{options.timeout:g}"]
    for line in options.header:
        name, _, value = line.partition(":")
        words += ["--header", f"{name}:{value}" if is_public(name.strip()) else f"{name}: …"]
    for cookie in options.cookie:
        words += ["--cookie", f"{cookie.partition('=')[0]}=…"]
    for name in options.subprotocol:
        words += ["--subprotocol", name]
    words += ["--auth", "…"] if options.auth is not None else []
    words += ["--token", "…"] if options.token is not None else []
    for path in options.expect:
        words += ["--expect", str(path)]
    beginning = hide.text(shlex.join(words))
    suites = " ".join(f"--suite {name}" for name in options.suite)
    beginning += f" {suites}" if suites else ""
    return lambda case: f"{beginning} --case {shlex.quote(case.id)}"
