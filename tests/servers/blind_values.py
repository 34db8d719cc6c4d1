"""Blind faults in what happens to the arguments of events on their way through the server."""

from __future__ import annotations

import contextlib
import html
import json
import unicodedata
from typing import Any

from tests.servers.blind_weaving import count, fault
from tests.servers.socketio_fixture import Fixture

ECHOED = ("message", "message-with-ack")
WORDS = ("__proto__", "constructor", "prototype", "toString", "hasOwnProperty")


def _arguments(name: str, change: Any) -> None:
    """A fault that changes the list of arguments of events that are echoed."""

    @fault(name, Fixture, "event")
    def event(go: Any, fixture: Fixture, socket: Any, named: Any, args: Any, number: Any) -> None:
        go(socket, named, change(args) if named in ECHOED else args, number)


def _values(name: str, change: Any) -> None:
    """A fault that changes values, however deep they stand."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            value = {key: walk(item) for key, item in value.items()}
        elif isinstance(value, list):
            value = [walk(item) for item in value]
        return change(value)

    _arguments(name, lambda args: [walk(each) for each in args])


def _texts(name: str, change: Any) -> None:
    _values(name, lambda value: change(value) if isinstance(value, str) else value)


def _numbers(name: str, change: Any) -> None:
    _values(name, lambda v: change(v) if type(v) in (int, float) else v)


def _objects(name: str, change: Any) -> None:
    _values(name, lambda value: change(value) if isinstance(value, dict) else value)


def _parsed(text: str) -> Any:
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict | list):
            return found
    return text


def _number(text: str) -> Any:
    return int(text) if text.isascii() and text.isdigit() else text


def _without_trailing_nulls(args: list[Any]) -> list[Any]:
    while args and args[-1] is None:
        args = args[:-1]
    return args


def _cut(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {k: _cut(v, depth - 1) for k, v in value.items()} if depth else None
    if isinstance(value, list):
        return [_cut(each, depth - 1) for each in value] if depth else None
    return value


def _list_of(fields: dict[str, Any]) -> Any:
    numbered = [str(n) for n in range(len(fields))]
    return list(fields.values()) if fields and list(fields) == numbered else fields


def _kept(wanted: Any) -> Any:
    return lambda fields: {key: item for key, item in fields.items() if wanted(key, item)}


def _wrapped(bits: int) -> Any:
    def wrap(value: Any) -> Any:
        whole = isinstance(value, int) and not -(1 << bits) <= value < 1 << bits
        return (value + (1 << bits)) % (2 << bits) - (1 << bits) if whole else value

    return wrap


_arguments(
    "single-lists-are-unpacked", lambda a: a[0] if len(a) == 1 and isinstance(a[0], list) else a
)
_arguments("trailing-nulls-are-dropped", _without_trailing_nulls)
_arguments("events-without-arguments-get-null", lambda a: a or [None])
_arguments("ten-arguments-are-enough", lambda a: a[:10])
_arguments("hundred-arguments-are-enough", lambda a: a[:100])
_arguments("equal-arguments-are-one", lambda a: [v for n, v in enumerate(a) if v not in a[:n]])
_arguments("values-deeper-than-ten-are-null", lambda a: [_cut(each, 10) for each in a])
_arguments("values-deeper-than-forty-are-null", lambda a: [_cut(each, 40) for each in a])
_arguments("falsy-arguments-are-dropped", lambda a: [v for v in a if v not in (0, "", False)])

_texts("empty-text-is-null", lambda t: t or None)
_texts("json-in-text-is-parsed", _parsed)
_texts("digits-in-text-are-numbers", _number)
_texts(
    "words-of-json-in-text-are-values",
    lambda t: {"true": True, "false": False, "null": None}.get(t, t),
)
_texts("text-is-normalised", lambda t: unicodedata.normalize("NFC", t))
_texts("text-loses-blanks-at-its-ends", lambda t: t.strip())
_texts("text-has-crlf-as-lf", lambda t: t.replace("\r\n", "\n"))
_texts("text-ends-at-nul", lambda t: t.partition("\0")[0])
_texts("text-loses-line-separators", lambda t: t.replace("\u2028", "").replace("\u2029", ""))
_texts("text-loses-its-byte-order-mark", lambda t: t.removeprefix("\ufeff"))
_texts("text-loses-zero-widths", lambda t: t.replace("\u200d", "").replace("\u200b", ""))
_texts("text-has-entities-read", html.unescape)
_texts("text-has-backslashes-doubled", lambda t: t.replace("\\", "\\\\"))
_texts("text-has-delete-characters-dropped", lambda t: t.replace("\x7f", ""))
_texts(
    "text-has-noncharacters-replaced",
    lambda t: t.replace("\uffff", "\ufffd").replace("\ufffe", "\ufffd"),
)
_texts("text-longer-than-64-kilobytes-is-cut", lambda t: t[:65_536])
_texts("text-of-65536-characters-loses-one", lambda t: t[:-1] if len(t) == 65_536 else t)

_numbers("integers-from-2-31-wrap", _wrapped(31))
_numbers(
    "integers-from-2-32-are-cut",
    lambda v: v % (1 << 32) if isinstance(v, int) and v >= 1 << 32 else v,
)
_numbers(
    "integers-below-minus-2-31-are-cut", lambda v: max(v, -(1 << 31)) if isinstance(v, int) else v
)
_numbers(
    "integers-from-2-53-are-text",
    lambda v: str(v) if isinstance(v, int) and abs(v) >= (1 << 53) - 1 else v,
)
_numbers("fractions-have-six-digits", lambda v: round(v, 6) if isinstance(v, float) else v)
_numbers(
    "fractions-are-single-precision", lambda v: float(f"{v:.7g}") if isinstance(v, float) else v
)
_numbers("small-fractions-are-zero", lambda v: 0 if isinstance(v, float) and abs(v) < 1e-6 else v)
_numbers("large-numbers-are-null", lambda v: None if isinstance(v, float) and abs(v) > 1e100 else v)
_numbers("zero-is-null", lambda v: None if v == 0 else v)
_values("false-is-null", lambda v: None if v is False else v)
_values("null-is-empty-text", lambda v: "" if v is None else v)
_values("null-is-false", lambda v: False if v is None else v)
_values("truth-is-one", lambda v: 1 if v is True else v)
_values("empty-objects-are-lists", lambda v: [] if v == {} and isinstance(v, dict) else v)
_values("empty-lists-are-objects", lambda v: {} if v == [] and isinstance(v, list) else v)
_values("empty-lists-are-null", lambda v: None if v == [] and isinstance(v, list) else v)
_values(
    "lists-of-one-are-their-value", lambda v: v[0] if isinstance(v, list) and len(v) == 1 else v
)
_values(
    "nulls-in-lists-are-dropped",
    lambda v: [e for e in v if e is not None] if isinstance(v, list) else v,
)
_values("lists-have-a-hundred-members", lambda v: v[:100] if isinstance(v, list) else v)
_objects("nulls-in-objects-are-dropped", _kept(lambda key, item: item is not None))
_objects("empty-keys-are-dropped", _kept(lambda key, item: key != ""))
_objects("keys-of-the-language-are-dropped", _kept(lambda key, item: key not in WORDS))
_objects("keys-that-begin-with-a-dollar-are-dropped", _kept(lambda key, item: key[:1] != "$"))
_objects(
    "keys-have-dots-as-underlines",
    lambda fields: {k.replace(".", "_"): v for k, v in fields.items()},
)
_objects("keys-are-in-lower-case", lambda fields: {k.lower(): v for k, v in fields.items()})
_objects("numbered-keys-make-lists", _list_of)
_objects("objects-have-fifty-keys", lambda fields: dict(list(fields.items())[:50]))


# Bursts.


def _burst(name: str, change: Any) -> None:
    """A fault that handles the nth event of a connection `change(n)` times."""

    @fault(name, Fixture, "event")
    def event(go: Any, fixture: Fixture, socket: Any, named: Any, args: Any, number: Any) -> None:
        times = change(count(socket, "events")) if named in ECHOED else 1
        for _ in range(times):
            go(socket, named, args, number)


_burst("thirty-third-events-are-lost", lambda n: n != 33)
_burst("forty-second-events-are-handled-twice", lambda n: 1 + (n == 42))
_burst("events-above-a-hundred-are-lost", lambda n: n <= 100)


def _in_namespaces(name: str, apply: Any) -> None:
    """A fault that changes arguments in a chosen place: `apply(socket, args)` gives them."""

    @fault(name, Fixture, "event")
    def event(go: Any, fixture: Fixture, socket: Any, named: Any, args: Any, number: Any) -> None:
        go(socket, named, apply(socket, args) if named in ECHOED else args, number)


def _is_text(args: list[Any]) -> bool:
    return bool(args) and isinstance(args[0], str)


_in_namespaces(
    "custom-namespaces-lose-second-arguments", lambda s, a: a[:1] if s.namespace != "/" else a
)
_in_namespaces(
    "upgraded-clients-lose-second-arguments",
    lambda s, a: (
        a[:1]
        if vars(s.connection.session).get("blind polled") and s.connection.session.websocket
        else a
    ),
)
_in_namespaces(
    "polling-clients-hear-text-in-ascii",
    lambda s, a: (
        [a[0].encode("ascii", "replace").decode(), *a[1:]]
        if _is_text(a) and s.connection.session.websocket is None
        else a
    ),
)


@fault("upgraded-clients-lose-second-arguments", Fixture, "connected")
def _(go: Any, fixture: Fixture, socket: Any) -> None:
    session = socket.connection.session
    vars(session)["blind polled"] = session.websocket is None
    go(socket)
