"""Whom a right server lets in, and how many: RFC 6455, 4.2.2, 10.2 and 10.5; RFC 9110, 15.

Origin, host, path, header fields, cookies, logins, subprotocols, and numbers of connections.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from sockproof.wire.http import Request, Response
from sockproof.wire.url import basic
from tests.servers.freedom import Freedom, refused, without

Rule = Callable[[Request], bool]


class Demands(Freedom):
    """What does not keep its rule gets this refusal."""

    def __init__(
        self,
        rule: Rule,
        status: int,
        reason: str,
        *headers: tuple[str, str],
        body: bytes = b"",
        contract: bool = True,
    ) -> None:
        self.rule = rule
        self.response = refused(status, reason, *headers, body=body)
        self.contract = contract

    def admits(self, request: Request) -> Response | None:
        return None if self.rule(request) else self.response


def has(name: str, *parts: str) -> Rule:
    """The field is there with each of these parts in its value."""

    def rule(request: Request) -> bool:
        value = request.get(name)
        return value is not None and all(part in value for part in parts)

    return rule


def ours(request: Request) -> bool:
    """No Origin, or that of the server's own site."""
    origin = request.get("Origin")
    return origin is None or origin.endswith("//" + (request.get("Host") or "?"))


def local(request: Request) -> bool:
    host = request.get("Host")
    return host is None or host.startswith("127.0.0.1:")


def at(*paths: str) -> Rule:
    return lambda request: urlsplit(request.target).path in paths


def queried(text: str) -> Rule:
    return lambda request: text in urlsplit(request.target).query.split("&")


def speaks_only(*names: str) -> Rule:
    """Whoever offers subprotocols offers one of these."""

    def rule(request: Request) -> bool:
        offered = request.all("Sec-WebSocket-Protocol")
        words = {each.strip() for value in offered for each in value.split(",")}
        return not offered or bool(words & set(names))

    return rule


class SpeaksAlone(Freedom):
    """One subprotocol is spoken here, and whoever does not offer it is refused."""

    def __init__(self, name: str, status: int) -> None:
        self.name = name
        self.response = refused(status, "No", body=f"this server speaks {name}\n".encode())

    def _is_offered(self, request: Request) -> bool:
        values = request.all("Sec-WebSocket-Protocol")
        return self.name in {each.strip() for value in values for each in value.split(",")}

    def admits(self, request: Request) -> Response | None:
        return None if self._is_offered(request) else self.response

    def answer(self, request: Request, response: Response) -> Response:
        if response.status != 101:
            return response
        response = without(response, "Sec-WebSocket-Protocol")
        named = ("Sec-WebSocket-Protocol", self.name)
        return replace(response, headers=(*response.headers, named))


class AFew(Freedom):
    """So many connections at once; the next is refused until one is over."""

    def __init__(self, most: int, status: int, *headers: tuple[str, str]) -> None:
        self.most = most
        self.there: set[object] = set()
        self.response = refused(status, "Later", *headers, body=b"too many connections\n")

    def admits(self, request: Request) -> Response | None:
        return self.response if len(self.there) >= self.most else None

    async def opened(self, connection) -> None:
        self.there.add(connection)

    def left(self, connection) -> None:
        self.there.discard(connection)


class NotSoOften(Freedom):
    """So many handshakes in a second; those beyond get 429."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.recent: list[float] = []

    def admits(self, request: Request) -> Response | None:
        now = time.monotonic()
        self.recent = [at for at in self.recent if at > now - 1]
        if len(self.recent) >= self.most:
            return refused(429, "Too Many Requests", ("Retry-After", "1"))
        self.recent.append(now)
        return None


SWITCHES = {
    "foreign-origins-get-403": lambda: Demands(ours, 403, "Forbidden"),
    "an-origin-is-demanded": lambda: Demands(has("Origin", "app.example"), 403, "Forbidden"),
    "an-origin-of-its-own-is-demanded": lambda: Demands(
        lambda request: request.get("Origin") is not None and ours(request), 403, "Forbidden"
    ),
    "foreign-hosts-get-421": lambda: Demands(local, 421, "Misdirected Request"),
    "foreign-hosts-get-403": lambda: Demands(local, 403, "Forbidden", body=b"Unknown host\n"),
    "one-path-alone": lambda: Demands(at("/"), 404, "Not Found", contract=False),
    "one-other-path-alone": lambda: Demands(
        at("/chat/room"), 404, "Not Found", body=b"<h1>Not Found</h1>", contract=False
    ),
    "a-path-without-a-query": lambda: Demands(
        lambda request: not urlsplit(request.target).query, 404, "Not Found", contract=False
    ),
    "a-header-field-is-demanded": lambda: Demands(has("X-Api-Key", "7f"), 403, "Forbidden"),
    "a-cookie-is-demanded": lambda: Demands(
        has("Cookie", "session=d41d8cd9"), 302, "Found", ("Location", "/login")
    ),
    "a-bearer-token-is-demanded": lambda: Demands(
        has("Authorization", "Bearer 0f3a"), 401, "Unauthorized", ("WWW-Authenticate", "Bearer")
    ),
    "a-password-is-demanded": lambda: Demands(
        has("Authorization", basic("proof:secret")),
        401,
        "Unauthorized",
        ("WWW-Authenticate", 'Basic realm="sockproof"'),
    ),
    "a-token-in-the-query-is-demanded": lambda: Demands(queried("token=0f3a"), 401, "Unauthorized"),
    "a-user-agent-is-demanded": lambda: Demands(has("User-Agent"), 400, "Bad Request"),
    "unknown-protocols-get-400": lambda: Demands(
        speaks_only("proof.v1", "proof.v2"), 400, "Bad Request", body=b"unsupported protocol\n"
    ),
    "one-protocol-is-demanded": lambda: SpeaksAlone("chat.v7", 400),
    "twenty-connections-at-once": lambda: AFew(20, 503, ("Retry-After", "1")),
    "sixty-connections-at-once": lambda: AFew(60, 503),
    "three-hundred-handshakes-a-second": lambda: NotSoOften(300),
}
