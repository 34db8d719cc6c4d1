"""Blind faults in Origin and CORS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.servers.blind_weaving import fault
from tests.servers.engineio_http import respond
from tests.servers.engineio_server import EngineIOServer

# Origins and CORS.


def _foreign(server: EngineIOServer, request: Any) -> bool:
    return request.get("Origin") not in (None, server.url.rstrip("/"))


@fault("websockets-need-an-origin", EngineIOServer, "_origin_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any) -> Any:
    bare = request.get("Sec-WebSocket-Key") and request.get("Origin") is None
    return respond(400) if bare and "sid" not in query else go(request, query)


@fault("posts-need-an-origin", EngineIOServer, "_origin_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any) -> Any:
    bare = request.method == "POST" and request.get("Origin") is None
    return respond(400) if bare else go(request, query)


@fault("websockets-refuse-their-own-origin", EngineIOServer, "_origin_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any) -> Any:
    own = request.get("Origin") is not None and not _foreign(server, request)
    return respond(400) if own and request.get("Sec-WebSocket-Key") else go(request, query)


@fault("posts-refuse-their-own-origin", EngineIOServer, "_origin_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any) -> Any:
    own = request.get("Origin") is not None and not _foreign(server, request)
    return respond(400) if own and request.method == "POST" else go(request, query)


@fault("foreign-origins-are-an-error-of-the-server", EngineIOServer, "_origin_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any) -> Any:
    if _foreign(server, request) and request.method != "OPTIONS":
        return replace(respond(400), status=500)
    return go(request, query)


@fault("foreign-origins-get-an-empty-200", EngineIOServer, "_origin_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any) -> Any:
    if _foreign(server, request) and request.method != "OPTIONS":
        return respond(200)
    return go(request, query)


@fault("websockets-let-every-origin-in", EngineIOServer, "_origin_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any) -> Any:
    polls = not request.get("Sec-WebSocket-Key") and request.method != "OPTIONS"
    return respond(400) if polls and _foreign(server, request) else go(request, query)


@fault("upgrades-let-every-origin-in", EngineIOServer, "_origin_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any) -> Any:
    fresh = "sid" not in query and request.method != "OPTIONS"
    return respond(400) if fresh and _foreign(server, request) else go(request, query)


def _cors(name: str, when: Any, field: str, value: str | None) -> None:
    """A fault that puts a field into the responses that `when` chooses; None takes it out."""

    @fault(name, EngineIOServer, "_shared")
    def shared(go: Any, server: EngineIOServer, request: Any, response: Any) -> Any:
        done = go(request, response)
        if not when(request, response):
            return done
        kept = [pair for pair in done.headers if pair[0] != field]
        return replace(done, headers=(*kept, *([(field, value)] if value else [])))


def _is_preflight(request: Any, response: Any) -> bool:
    return request.method == "OPTIONS"


def _has_origin(request: Any, response: Any) -> bool:
    return request.get("Origin") is not None


ALLOW = "Access-Control-Allow-Origin"
HEADERS = "Access-Control-Allow-Headers"
CREDENTIALS = "Access-Control-Allow-Credentials"
_cors("allow-origin-lists-two", _has_origin, ALLOW, "http://a.test, http://b.test")
_cors("allow-origin-of-posts-is-true", lambda q, r: q.method == "POST", ALLOW, "true")
_cors("allow-origin-of-preflights-ends-with-a-slash", _is_preflight, ALLOW, "http://a.test/")
_cors("preflights-allow-another-header", _is_preflight, HEADERS, "X-Requested-With")
_cors("preflights-allow-a-header-that-ends-alike", _is_preflight, HEADERS, "X-Content-Type")


def _credentials(name: str, when: Any) -> None:
    @fault(name, EngineIOServer, "_shared")
    def shared(go: Any, server: EngineIOServer, request: Any, response: Any) -> Any:
        done = go(request, response)
        if not when(request, response):
            return done
        kept = [pair for pair in done.headers if pair[0] not in (ALLOW, "Vary")]
        return replace(done, headers=(*kept, (ALLOW, "*"), (CREDENTIALS, "true")))


_credentials("preflights-allow-credentials-to-all", _is_preflight)
_credentials("errors-allow-credentials-to-all", lambda q, r: r.status >= 400)


def _preflights(name: str, when: Any, answer: Any) -> None:
    @fault(name, EngineIOServer, "_preflight")
    def preflight(go: Any, server: EngineIOServer, query: Any) -> Any:
        return answer(server, query) if when(query) else go(query)


_preflights("preflights-of-sessions-are-refused", lambda q: "sid" in q, lambda s, q: respond(400))
_preflights(
    "preflights-are-redirected", lambda q: True, lambda s, q: replace(respond(204), status=302)
)
_preflights(
    "preflights-without-sid-open-sessions", lambda q: "sid" not in q, lambda s, q: s._open(q)
)
_preflights("preflights-of-kept-pages-open-sessions", lambda q: "t" in q, lambda s, q: s._open(q))
