"""Why a case could not be judged, in words that many cases share, and what would help."""

from __future__ import annotations

import re

from sockproof.render.conformance.summary import Case
from sockproof.render.text import short
from sockproof.vocabulary import Seen

_FIXTURE = "install the fixture, or pass its token with --token: conformance/TARGET.md"
_BEGIN = ", so that the case can begin"

# The first of these that is lacking is the reason: what stands below it cannot be seen without.
# What only a correct answer shows (`echo`) stands above what a path of the contract offers.
_LACKING = {
    "polling": ("has no long-polling", "--path sets the path of Socket.IO"),
    "websocket": ("has no WebSocket transport", "--path sets the path of Socket.IO"),
    "upgrade": ("offers no upgrade to WebSocket", ""),
    "tls": ("was not checked over TLS", "use its wss:// URL"),
    "echo": ("does not echo messages", "use the URL of an endpoint that echoes"),
    "binary": ("does not echo binary messages", "use the URL of one that does"),
    "permessage-deflate": ("does not negotiate compression", ""),
    "push": ("has no push endpoint", "/push of conformance/TARGET.md, or --profile"),
    "server-close": (
        "has no endpoint that closes on request",
        "/close of conformance/TARGET.md, or --profile",
    ),
    "subprotocols": (
        "does not support the test subprotocols",
        "those of conformance/TARGET.md, or --profile",
    ),
    "headers": (
        "does not report the header fields that it received",
        "/headers of conformance/TARGET.md, or --profile",
    ),
    "fixture": ("does not offer the fixture's events", _FIXTURE),
    "message-echo": (
        "does not echo messages",
        "the fixture, or an Engine.IO server that echoes: conformance/TARGET.md",
    ),
    "auth": ("does not report the payload of CONNECT", _FIXTURE),
    "slow-timers": (
        "announces timers too short for these cases",
        "a longer ping interval, or a shorter --timeout",
    ),
    "fast-timers": (
        "announces timers too long for these cases",
        "a ping interval and timeout of a second each, in a test set-up",
    ),
    "usual-timers": ("is checked with fast timers instead", ""),
    "cluster": ("appears to be a single process", ""),
    "unsticky": ("is not declared to have no sticky sessions", "--profile"),
}
_OPTIONS = (  # what came instead, and the option that most often removes it
    (("HTTP 401", "HTTP 403", "CONNECT_ERROR"), "--header, --cookie or --auth"),
    (("HTTP 404", "HTTP 2", "HTTP 3"), "--path, or another URL"),
    (("HTTP 429", "HTTP 503"), "fewer --jobs"),
)


def lacks_fixture(case: Case) -> bool:
    """Whether the fixture itself is lacking, and not only one of its operations."""
    return "fixture" in case.get("lacks", ())


def missing(case: Case, without_fixture: bool = False) -> tuple[str, str]:
    """Why a case is UNSUPPORTED, and what would help; without the fixture, operations lack it."""
    lacking = case.get("lacks") or []
    if any(name.startswith("limits.") for name in lacking):
        return "no limit is declared", "[profile.limits] of a --profile"
    if lacking:
        for name, (says, helps) in _LACKING.items():
            if name in lacking:
                return says, helps
        if without_fixture or {"join", "emit"} & set(lacking):
            return _LACKING["fixture"]
        return f"does not offer {short(', '.join(lacking), 100)}", _FIXTURE
    told = short(case["got"], 200)
    wanted = short(case["expected"] or case["summary"], 200)
    return (f"{wanted}: {told}" if told else wanted), ""


def obstacle(case: Case) -> tuple[str, str]:
    """Why a case is INCONCLUSIVE, and what would help."""
    wanted = case["expected"].removesuffix(_BEGIN) or case["summary"]
    got = case["got"] or case["summary"]
    return f"expected {short(wanted, 160)}; got {short(got, 300)}", _helps(case)


def _helps(case: Case) -> str:
    seen, came = case.get("seen"), case.get("came") or ""
    if seen == Seen.TIMED_OUT:
        return "a longer --timeout, or fewer --jobs"
    if seen == Seen.REFUSED and not came:
        return "fewer --jobs"
    return next((option for begins, option in _OPTIONS if came.startswith(begins)), "")


def alike(text: str) -> str:
    """`text` without what differs from case to case: what is quoted, and large numbers."""
    text = re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "", text)
    text = re.sub(r"; (?:it differs from|the first difference is at) octet \d+(?: on)?", "", text)
    return re.sub(r"\[\d+ octets?[^]]*\]|\d{5,}", "", text)
