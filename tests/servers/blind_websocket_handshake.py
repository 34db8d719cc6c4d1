"""Blind faults in how the request of an opening handshake is read: RFC 6455, 4.1 and 4.2.1."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sockproof.wire.http import Request, Response, is_token
from tests.servers import websocket_handshake, websocket_server
from tests.servers.blind_weaving import fault
from tests.servers.websocket_handshake import refusal

KEY, VERSION = "Sec-WebSocket-Key", "Sec-WebSocket-Version"
PROTOCOL, EXTENSIONS = "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"


def understands(name: str, change: Callable[[Request], Request]) -> None:
    """A fault that takes a request for another one."""

    @fault(name, websocket_server, "answer")
    def answer(go: Any, request: Request, *rest: Any) -> Response:
        return go(change(request), *rest)


def refuses_requests(name: str, which: Callable[[Request], bool], status: int = 400) -> None:
    """A fault that refuses a valid request."""

    @fault(name, websocket_server, "answer")
    def answer(go: Any, request: Request, *rest: Any) -> Response:
        if which(request):
            return refusal(status, "this server does not take that")
        return go(request, *rest)


def has_no_rule(name: str, rule: str, which: Callable[[Request], bool]) -> None:
    """A fault that does not apply a rule to certain requests."""

    @fault(name, websocket_handshake, "rules")
    def rules(go: Any, request: Request, *rest: Any) -> Any:
        for each in go(request, *rest):
            if each[0] != rule or not which(request):
                yield each


def delivers(name: str, change: Callable[[str], str], only: str = "") -> None:
    """A fault in the values of fields, as the application sees them too."""

    @fault(name, websocket_server, "parse_request_head")
    def parse(go: Any, *head: Any) -> Request:
        request = go(*head)
        pairs = (
            (field, change(value) if only in ("", field.lower()) else value)
            for field, value in request.headers
        )
        return replace(request, headers=tuple(pairs))


def reads_lines(name: str, change: Callable[[list[str]], list[str]]) -> None:
    """A fault that takes the lines of a request's head for other ones."""

    @fault(name, websocket_server, "parse_request_head")
    def parse(go: Any, lines: list[str], *rest: Any) -> Request:
        return go(change(lines), *rest)


def _field(request: Request, name: str) -> str:
    return request.get(name) or ""


def _key_behind_version(request: Request) -> bool:
    names = [name.lower() for name, _ in request.headers]
    key, version = KEY.lower(), VERSION.lower()
    return key in names and version in names and names.index(key) > names.index(version)


def _swapped(name: str, change: Callable[[str], str]) -> Callable[[Request], Request]:
    def swap(request: Request) -> Request:
        pairs = ((n, change(v) if n.lower() == name.lower() else v) for n, v in request.headers)
        return replace(request, headers=tuple(pairs))

    return swap


def _one_line(name: str, at: int) -> Callable[[Request], Request]:
    def chosen(request: Request) -> Request:
        values = request.all(name)
        return request.without(name).adding(name, values[at]) if values else request

    return chosen


def _without_twins(name: str) -> Callable[[Request], Request]:
    def merged(request: Request) -> Request:
        values = request.all(name)
        same = len(values) > 1 and len(set(values)) == 1
        return request.without(name).adding(name, values[0]) if same else request

    return merged


# Host, Upgrade, Connection.
understands("two-equal-hosts-are-one", _without_twins("Host"))
understands("what-follows-a-slash-in-host-is-left-out", _swapped("Host", lambda v: v.split("/")[0]))
understands("credentials-in-host-are-left-out", _swapped("Host", lambda v: v.rpartition("@")[2]))
understands(
    "ports-that-are-no-number-are-left-out",
    _swapped("Host", lambda v: re.sub(r":[A-Za-z]\w*$", "", v)),
)
has_no_rule(
    "host-may-be-missing-where-origin-is-there",
    "host-missing-accepted",
    lambda r: r.get("Origin") is not None,
)
has_no_rule(
    "host-may-be-missing-in-absolute-form", "host-missing-accepted", lambda r: "://" in r.target
)
understands(
    "upgrade-is-matched-by-its-beginning",
    _swapped("Upgrade", lambda v: "websocket" if v.lower().startswith("websocket") else v),
)
understands(
    "upgrade-has-two-spellings",
    _swapped("Upgrade", lambda v: v if v in ("websocket", "WebSocket") or "," in v else f"not {v}"),
)
understands("the-last-line-of-upgrade-counts", _one_line("Upgrade", -1))
understands("the-first-protocol-of-upgrade-counts", _swapped("Upgrade", lambda v: v.split(",")[0]))
has_no_rule(
    "upgrade-may-be-missing-where-connection-says-so",
    "upgrade-unchecked",
    lambda r: r.get("Upgrade") is None,
)
understands(
    "connection-is-matched-by-its-end",
    _swapped("Connection", lambda v: "Upgrade" if v.lower().endswith("upgrade") else v),
)
understands(
    "connection-has-two-spellings",
    _swapped("Connection", lambda v: v if "UPGRADE" not in v else "other"),
)
understands("the-first-line-of-connection-counts", _one_line("Connection", 0))
refuses_requests(
    "empty-members-of-connection-are-refused",
    lambda r: any(not part.strip() for part in _field(r, "Connection").split(",")),
)
refuses_requests("tabs-in-connection-are-refused", lambda r: "\t" in _field(r, "Connection"))
has_no_rule(
    "connection-may-be-missing", "connection-unchecked", lambda r: r.get("Connection") is None
)
refuses_requests(
    "long-lists-in-connection-are-refused", lambda r: _field(r, "Connection").count(",") > 1
)

# Key and version.
understands("two-equal-keys-are-one", _without_twins(KEY))
understands("two-equal-versions-are-one", _without_twins(VERSION))
understands(
    "blanks-inside-keys-are-left-out",
    _swapped(KEY, lambda v: v if len(v.replace(" ", "")) != 24 else v.replace(" ", "")),
)
understands(
    "keys-are-read-in-either-alphabet",
    _swapped(KEY, lambda v: v.replace("-", "+").replace("_", "/")),
)
understands("keys-may-lack-their-padding", _swapped(KEY, lambda v: f"{v}==" if len(v) == 22 else v))
has_no_rule(
    "keys-of-more-than-16-octets-pass", "key-length-unchecked", lambda r: len(_field(r, KEY)) > 24
)
has_no_rule("keys-of-15-octets-pass", "key-length-unchecked", lambda r: len(_field(r, KEY)) == 20)
has_no_rule("empty-keys-pass", "key-undecoded", lambda r: _field(r, KEY) == "")
has_no_rule("keys-of-18-octets-pass", "key-length-unchecked", lambda r: len(_field(r, KEY)) == 24)
refuses_requests("keys-with-a-slash-are-refused", lambda r: "/" in _field(r, KEY))
has_no_rule(
    "versions-may-be-missing-without-origin",
    "version-missing-accepted",
    lambda r: r.get("Origin") is None,
)
understands(
    "versions-are-read-modulo-256",
    _swapped(VERSION, lambda v: str(int(v) % 256) if re.fullmatch("[1-9][0-9]{2,5}", v) else v),
)
understands("versions-are-read-up-to-a-point", _swapped(VERSION, lambda v: v.split(".")[0]))
understands(
    "versions-are-read-in-hexadecimal-too",
    _swapped(VERSION, lambda v: "13" if v.lower() in ("0xd", "0x0d", "d") else v),
)
understands(
    "the-last-of-listed-versions-counts", _swapped(VERSION, lambda v: v.split(",")[-1].strip())
)
understands(
    "versions-above-13-are-13",
    _swapped(
        VERSION, lambda v: "13" if re.fullmatch(r"1[4-9]|[2-9][0-9]|[12][0-9][0-9]", v) else v
    ),
)
understands("version-12-is-13", _swapped(VERSION, lambda v: "13" if v == "12" else v))
understands("the-last-line-of-version-counts", _one_line(VERSION, -1))

# Lists.
understands("the-last-line-of-protocols-counts", _one_line(PROTOCOL, -1))
understands("the-last-line-of-extensions-counts", _one_line(EXTENSIONS, -1))
understands(
    "what-is-no-token-is-left-out-of-protocols",
    _swapped(
        PROTOCOL,
        lambda v: ", ".join(p for p in v.split(",") if is_token(p.strip()) or not p.strip()) or "x",
    ),
)
understands(
    "an-empty-list-of-protocols-is-none",
    lambda r: r.without(PROTOCOL) if not _field(r, PROTOCOL).strip(", \t") else r,
)
understands(
    "protocols-with-a-slash-are-read-as-far", _swapped(PROTOCOL, lambda v: re.sub(r"/[^,]*", "", v))
)
refuses_requests("tabs-between-protocols-are-refused", lambda r: "\t" in _field(r, PROTOCOL))
refuses_requests(
    "origin-is-demanded-beside-a-cookie",
    lambda r: r.get("Cookie") is not None and r.get("Origin") is None,
    403,
)
understands(
    "an-empty-list-of-extensions-is-none",
    lambda r: r.without(EXTENSIONS) if not _field(r, EXTENSIONS).strip(", \t") else r,
)
understands(
    "a-semicolon-at-the-end-of-extensions-is-left-out",
    _swapped(EXTENSIONS, lambda v: re.sub(r";\s*(,|$)", r"\1", v)),
)
understands(
    "an-open-quote-is-closed", _swapped(EXTENSIONS, lambda v: f'{v}"' if v.count('"') % 2 else v)
)
understands(
    "quoted-values-lose-what-is-no-token",
    _swapped(
        EXTENSIONS, lambda v: re.sub(r'"([^"]*)"', lambda m: re.sub(r"[ ,;]", "", m[1]) or "x", v)
    ),
)
refuses_requests("blanks-before-a-semicolon-are-refused", lambda r: " ;" in _field(r, EXTENSIONS))
refuses_requests("tabs-between-extensions-are-refused", lambda r: "\t" in _field(r, EXTENSIONS))
refuses_requests(
    "unknown-extensions-with-a-quoted-value-are-refused",
    lambda r: "x-" in _field(r, EXTENSIONS) and '"' in _field(r, EXTENSIONS),
)
refuses_requests(
    "unknown-extensions-with-parameters-are-refused",
    lambda r: _field(r, EXTENSIONS).startswith("x-") and ";" in _field(r, EXTENSIONS),
)

# The request as HTTP.
refuses_requests("queries-without-a-name-are-refused", lambda r: r.target.endswith("?"))
refuses_requests(
    "percent-signs-in-queries-are-refused", lambda r: "%" in r.target.partition("?")[2]
)
refuses_requests(
    "several-query-parameters-are-refused",
    lambda r: "&" in r.target and not r.target.startswith(("/push", "/close")),
)
refuses_requests("question-marks-in-queries-are-refused", lambda r: r.target.count("?") > 1)
understands(
    "fragments-behind-a-query-are-left-out",
    lambda r: (
        replace(r, target=r.target.partition("#")[0]) if "?" in r.target.partition("#")[0] else r
    ),
)
understands(
    "fragments-without-content-are-left-out",
    lambda r: replace(r, target=r.target.removesuffix("#")),
)
delivers("field-values-are-cut-at-256-octets", lambda value: value[:256])
delivers("quotes-are-taken-off-field-values", lambda value: value.strip('"'))
delivers("two-blanks-in-field-values-are-one", lambda value: re.sub("  +", " ", value))
delivers(
    "cookies-end-at-the-second-equals-sign", lambda value: "=".join(value.split("=")[:2]), "cookie"
)
refuses_requests(
    "names-all-in-capitals-are-refused",
    lambda r: any(n.isupper() and len(n) > 4 for n, _ in r.headers),
)
refuses_requests(
    "names-with-an-underscore-are-refused", lambda r: any("_" in n for n, _ in r.headers)
)
refuses_requests(
    "unknown-names-like-its-own-are-refused",
    lambda r: any(
        n.lower().startswith("sec-")
        and n.lower() not in map(str.lower, (KEY, VERSION, PROTOCOL, EXTENSIONS))
        for n, _ in r.headers
    ),
)
refuses_requests("empty-values-are-refused", lambda r: any(not v for _, v in r.headers))
refuses_requests("keys-behind-the-version-are-refused", _key_behind_version)
refuses_requests(
    "cookies-of-4096-octets-are-refused", lambda r: any(len(v) >= 4080 for _, v in r.headers)
)
refuses_requests("a-hundred-fields-are-refused", lambda r: len(r.headers) > 48)
understands(
    "methods-are-matched-by-their-beginning",
    lambda r: replace(r, method="GET") if r.method.startswith("GET") else r,
)
understands(
    "head-is-taken-for-get", lambda r: replace(r, method="GET") if r.method == "HEAD" else r
)
understands(
    "version-0-9-is-taken",
    lambda r: replace(r, version="HTTP/1.1") if r.version == "HTTP/0.9" else r,
)
understands(
    "version-3-is-taken", lambda r: replace(r, version="HTTP/1.1") if r.version == "HTTP/3.0" else r
)
refuses_requests("minor-version-9-is-refused", lambda r: r.version == "HTTP/1.9", 505)
understands("two-different-lengths-count-by-the-last", _one_line("Content-Length", -1))
understands(
    "lengths-with-a-sign-are-left-out",
    lambda r: r.without("Content-Length") if re.match(r"[+-]", _field(r, "Content-Length")) else r,
)
understands(
    "bodies-of-one-octet-are-taken-for-frames",
    lambda r: r.without("Content-Length") if len(_field(r, "Content-Length")) == 1 else r,
)

# Lines.
reads_lines(
    "the-protocol-s-name-may-be-lower-case",
    lambda lines: ([lines[0].replace("http/1.1", "HTTP/1.1"), *lines[1:]]),
)
reads_lines(
    "lines-without-a-colon-are-skipped",
    lambda lines: ([lines[0], *(each for each in lines[1:] if ":" in each or each[:1] in " \t")]),
)
reads_lines(
    "tabs-before-the-colon-are-skipped",
    lambda lines: ([lines[0], *(re.sub(r"^([\w-]+)\t+:", r"\1:", each) for each in lines[1:])]),
)
reads_lines(
    "names-may-have-brackets",
    lambda lines: (
        [lines[0], *(re.sub(r"^[^:]*[()<>@\[\]{}][^:]*:", "X-Odd:", each) for each in lines[1:])]
    ),
)
reads_lines(
    "lines-without-a-name-are-skipped",
    lambda lines: ([lines[0], *(each for each in lines[1:] if not each.startswith(":"))]),
)
reads_lines(
    "folds-by-a-tab-are-lines-to-skip",
    lambda lines: ([lines[0], *(each for each in lines[1:] if not each.startswith("\t"))]),
)
reads_lines("a-cr-inside-a-value-ends-it", lambda lines: [each.split("\r")[0] for each in lines])
