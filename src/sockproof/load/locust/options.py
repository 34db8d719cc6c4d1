"""What a load run can be told, as Locust's custom arguments: they show in its web form too."""

from __future__ import annotations

import argparse
import re
from argparse import Namespace
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sockproof.load.locust.stages import Stage, StageError, read_stages
from sockproof.vocabulary import TRANSPORTS, Transport
from sockproof.wire.given import auth_payload, header_field
from sockproof.wire.proxy import Proxy, ProxyUrlError
from sockproof.wire.url import masked_url

CLIENTS = ("lean", "reference")
ROWS = ("live", "end")
FOLDER = "sockproof_folder"  # where Locust's master tells its workers the run folder
RUN = "sockproof_run"  # and the run's number
ABOUT, BOOT = "sockproof_about", "sockproof_boot"  # and what `run.json` says, and its clock
# Arguments that hold secrets, and the variables that give them where `ps` does not show them.
SECRET_ARGUMENTS = {
    "header": "SOCKPROOF_HEADER",
    "cookie": "SOCKPROOF_COOKIE",
    "auth": "SOCKPROOF_AUTH",
    "proxy": "SOCKPROOF_PROXY",
}
REPEATED = ("header", "cookie")  # that may be given several times

# What stands before the first option, and what of Locust's own may be seen.
_SHOWN = {"-m", "-f", "--users", "--spawn-rate", "--run-time", "--run-folder", "--processes"}
_SHOWN |= {"--master-bind-host", "--master-bind-port", "--master-port", "--master"}
_SHOWN |= {"--expect-workers", "--worker", "--master-host"}
_SHOWN |= {"--rules", "--target", "--shelf", "--no-report", "-t", "--otel"}
_SHOWN |= {"--host", "--tags", "--exclude-tags", "--loglevel", "--stop-timeout", "--csv"}


class OptionError(Exception):
    """An option that is of no use; one line."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run, checked.

    `rate` is in messages a second and user, or None when the scenario decides; 0 is a closed
    loop. `drain` and `ack_limit` are in seconds, `max_lag` in milliseconds.
    """

    host: str
    rate: float | None
    poisson: bool
    payload_bytes: int | None
    room_size: int | None
    transport: str
    client: str
    max_outstanding: int
    ack_limit: float
    drain: float
    max_lag: float | None
    headers: tuple[tuple[str, str], ...]
    auth: Any
    path: str | None
    namespace: str | None
    sources: tuple[str, ...]
    deflate: bool
    ca: str | None
    insecure: bool
    cert: str | None
    key: str | None
    proxy: str | None
    target_pid: int | None
    results: Path
    rows: str = ROWS[0]
    rows_port: int | None = None
    stages: tuple[Stage, ...] = ()


class _Lines(argparse.Action):
    """An option that may be repeated; each value is a line."""

    def __call__(
        self, parser: object, namespace: Any, values: Any, option_string: str | None = None
    ) -> None:
        del parser, option_string
        before = getattr(namespace, self.dest, "")
        setattr(namespace, self.dest, f"{before}\n{values}" if before else values)


class Arguments:
    """Takes arguments as a parser does, and keeps what is said of them."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        add_arguments(self)

    def add_argument(self, name: str, **options: Any) -> None:
        self.found[name] = options


def without_secrets() -> set[str]:
    """The options whose values anybody may see."""
    return {name for name, how in Arguments().found.items() if not how.get("is_secret")}


def masked(command: Sequence[str], known: Collection[str] = ()) -> list[str]:
    """The command as it may be shown: its secrets are for nobody else.

    Only values of options that are known to hold none are shown: a secret may stand behind one
    that is misspelt, or shortened, or in words that a shell has taken apart. Words that are
    `known` are shown wherever they stand.
    """
    shown = without_secrets() | _SHOWN
    told, may_follow = [], True
    for word in command:
        option, equals, _ = word.partition("=")
        if word.startswith("-"):
            is_shown = option in shown
            told.append(masked_url(word) if is_shown or not equals else f"{option}=***")
            may_follow = is_shown and not equals
        else:
            address = re.match(r"(?i)(ws|http|socks)[a-z0-9]*://", word)
            may_show = may_follow or address or word in known
            told.append(masked_url(word) if may_show else "***")
            may_follow = False
    return told


def names_alone(words: Sequence[str]) -> str:
    """The options among words that argparse does not know: what stands behind may be a secret."""
    names = [word.partition("=")[0] for word in words if word.startswith("-")]
    return " ".join(names) or f"{len(words)} more than there are"


def without_value(complaint: str) -> str:
    """What argparse says of an option that is cut short, without what stood behind it."""
    return re.sub(r"(ambiguous option: [^=\s]+)=.*( could match)", r"\1\2", complaint, flags=re.S)


def without_values(complaint: str) -> str:
    """What argparse says of a command, without what stood behind options it does not know."""
    told, colon, words = complaint.partition("unrecognized arguments: ")
    return told + colon + names_alone(words.split()) if colon else without_value(complaint)


def add_arguments(parser: Any) -> None:
    """Add the arguments to Locust's parser (`events.init_command_line_parser`)."""
    add = parser.add_argument
    add(
        "--rate", default="", metavar="R",
        help="messages per second per user; 0 is a closed loop, in which each message is sent when "
        "the previous one is acknowledged (default: the scenario's)",
    )  # fmt: skip
    add(
        "--stages", default="", metavar="TIME:USERS,…", include_in_web_ui=False,
        help="stages, each with its duration and the number of users that it ramps to, in place of "
        "--users, --spawn-rate and --run-time, e.g. 30s:100,5m:1000 (default: the scenario's, "
        "usually none)",
    )  # fmt: skip
    add(
        "--poisson", action="store_true", default=False,
        help="send at exponentially distributed random intervals, at --rate on average (no effect "
        "with --rate 0)",
    )  # fmt: skip
    add(
        "--payload-bytes", default="", metavar="N",
        help="length of each message body, in bytes (default: the scenario's, usually 64)",
    )  # fmt: skip
    add(
        "--room-size", default="", metavar="N",
        help="number of users per room, in scenarios with rooms (default: the scenario's)",
    )  # fmt: skip
    add(
        "--transport", default=Transport.WEBSOCKET.value, choices=TRANSPORTS, metavar="NAME",
        help=f"transport of Socket.IO: {', '.join(TRANSPORTS[:-1])} or {TRANSPORTS[-1]} "
        "(polling first, then websocket) (default: %(default)s)",
    )  # fmt: skip
    add(
        "--client", default="lean", choices=CLIENTS, metavar="NAME",
        help="client implementation: lean (sockproof's own) or reference (python-socketio and "
        "websocket-client) (default: %(default)s)",
    )  # fmt: skip
    add(
        "--max-outstanding", default="100", metavar="N",
        help="maximum number of unacknowledged messages per user; further sends are skipped "
        "(default: %(default)s)",
    )  # fmt: skip
    add(
        "--ack-timeout", default="30", metavar="S",
        help="time limit for an acknowledgement, in seconds; a message without one counts as "
        "unacknowledged (default: %(default)s)",
    )  # fmt: skip
    add(
        "--max-lag", default="", metavar="MS",
        help="lag of the load generator to ignore, in milliseconds (default: 0; a rule about "
        "latency is broken only if it still is with any larger lag subtracted)",
    )  # fmt: skip
    add(
        "--drain", default="10", metavar="S",
        help="time limit for messages in flight at the end, in seconds; what arrives later counts "
        "as lost (default: %(default)s)",
    )  # fmt: skip
    add(
        "--header", default="", env_var=SECRET_ARGUMENTS["header"], is_secret=True, action=_Lines,
        metavar="'NAME: VALUE'",
        help="header field to send with each request; may be repeated",
    )  # fmt: skip
    add(
        "--cookie", default="", env_var=SECRET_ARGUMENTS["cookie"], is_secret=True, action=_Lines,
        metavar="'NAME=VALUE'", help="cookie to send with each request; may be repeated",
    )  # fmt: skip
    add(
        "--path", default="", metavar="PATH",
        help="path of the Socket.IO endpoint (default: the URL's, or /socket.io/)",
    )  # fmt: skip
    add(
        "--namespace", default="", metavar="NS",
        help="Socket.IO namespace to use (default: the scenario's, usually /)",
    )  # fmt: skip
    add(
        "--auth", default="", env_var=SECRET_ARGUMENTS["auth"], is_secret=True, metavar="JSON",
        help="payload of each Socket.IO CONNECT packet",
    )  # fmt: skip
    add(
        "--source", default="", metavar="IP,IP",
        help="local addresses to connect from, separated by commas (default: chosen by the "
        "operating system)",
    )  # fmt: skip
    add(
        "--deflate", action="store_true", default=False,
        help="offer permessage-deflate in each WebSocket handshake",
    )  # fmt: skip
    add(
        "--ca", default="", metavar="FILE",
        help="CA certificate (PEM) to trust in place of the system's",
    )  # fmt: skip
    add("--cert", default="", metavar="FILE", help="client certificate (PEM) to present")
    add(
        "--key", default="", metavar="FILE",
        help="private key (PEM) of --cert (default: in the same file)",
    )  # fmt: skip
    add(
        "--proxy", default="", env_var=SECRET_ARGUMENTS["proxy"], is_secret=True, metavar="URL",
        help="proxy to connect through, e.g. http://USER:PASSWORD@HOST:PORT; also https://, "
        "socks4:// and socks5://, and socks4a:// and socks5h://, where the proxy resolves host "
        "names (default: from http_proxy, https_proxy, all_proxy and no_proxy)",
    )  # fmt: skip
    add("--insecure", action="store_true", default=False, help="accept any certificate")
    add(
        "--target-pid", default="", metavar="PID",
        help="process id of the server, to watch its CPU and memory (default: that of a bundled "
        "server)",
    )  # fmt: skip
    add(
        "--metrics-port", default="", metavar="[HOST:]PORT", include_in_web_ui=False,
        help="serve live metrics in OpenMetrics format at http://HOST:PORT/metrics during the run "
        "(default: off; HOST is 127.0.0.1)",
    )  # fmt: skip
    add(
        "--results", default="results", metavar="DIR",
        help="directory in which run folders are created (default: %(default)s)",
    )  # fmt: skip
    add(
        "--rows", default=ROWS[0], choices=ROWS, metavar="WHEN",
        help="when workers on other hosts send their records to the master: live (during the run) "
        "or end (after it) (default: %(default)s)",
    )  # fmt: skip
    add(
        "--rows-port", default="", metavar="PORT", include_in_web_ui=False,
        help="port on which the master receives records from other hosts (default: --master-port "
        "plus 1, or any free port where that is taken)",
    )  # fmt: skip
    for name, dest in (("--run-folder", "run_folder"), ("--payload-octets", "payload_bytes")):
        add(name, dest=dest, default="", help=argparse.SUPPRESS, include_in_web_ui=False)


def read_options(parsed: Namespace) -> Options:
    """The options out of what Locust parsed; raises `OptionError`."""
    host = parsed.host or ""
    if not host:
        raise OptionError("name the target: --host http://HOST:PORT/ or ws://HOST:PORT/")
    rate = _number(parsed, "rate", 0, 1e6)
    length = _number(parsed, "payload_bytes", 0, 16 * 1024 * 1024)
    size = _number(parsed, "room_size", 1, 1e6)
    outstanding = _number(parsed, "max_outstanding", 1, 1e6)
    pid = _number(parsed, "target_pid", 1, 1 << 31)
    port = _number(parsed, "rows_port", 1, 65535)
    return Options(
        host=host,
        rate=rate,
        poisson=bool(parsed.poisson),
        payload_bytes=None if length is None else int(length),
        room_size=None if size is None else int(size),
        transport=_choice(parsed, "transport", TRANSPORTS),
        client=_choice(parsed, "client", CLIENTS),
        max_outstanding=100 if outstanding is None else int(outstanding),
        ack_limit=_number(parsed, "ack_timeout", 0.05, 3600) or 30.0,
        drain=_number(parsed, "drain", 0, 600) or 0.0,
        max_lag=_number(parsed, "max_lag", 0, 60_000),
        headers=_with_cookies(_headers(str(parsed.header)), str(parsed.cookie)),
        path=_path(str(parsed.path), "--path") or None,
        namespace=_path(str(parsed.namespace), "--namespace") or None,
        auth=_json(str(parsed.auth)),
        sources=tuple(each.strip() for each in str(parsed.source).split(",") if each.strip()),
        deflate=bool(parsed.deflate),
        ca=str(parsed.ca) or None,
        insecure=bool(parsed.insecure),
        cert=_cert(str(parsed.cert), str(parsed.key)),
        key=str(parsed.key) or None,
        proxy=_proxy(str(parsed.proxy)),
        target_pid=None if pid is None else int(pid),
        results=Path(str(parsed.results) or "results"),
        rows=_choice(parsed, "rows", ROWS),
        rows_port=None if port is None else int(port),
        stages=_stages(str(parsed.stages)),
    )


def check(name: str, text: str) -> None:
    """Look at the value of one option by itself; raises `OptionError`."""
    parser = argparse.ArgumentParser(add_help=False)
    for option, how in Arguments().found.items():
        parser.set_defaults(**{how.get("dest", option[2:].replace("-", "_")): how["default"]})
    parser.set_defaults(host="-", cert="-")  # a key has its certificate elsewhere
    parsed = parser.parse_args([])
    setattr(parsed, name.replace("-", "_"), text)
    read_options(parsed)
    if name == "metrics-port":
        host_and_port(text)


def host_and_port(text: str) -> tuple[str, int]:
    """Where `--metrics-port` listens; raises `OptionError`."""
    host, _, port = text.strip().rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise OptionError(f"--metrics-port must be [HOST:]PORT, e.g. 9646, not {text!r}")
    return host.strip("[]") or "127.0.0.1", int(port)


def shown(options: Options) -> dict[str, Any]:
    """The options as `run.json` keeps them: what may be a secret is masked."""
    return {
        "rate": options.rate,
        "poisson": options.poisson,
        "payload_bytes": options.payload_bytes,
        "room_size": options.room_size,
        "transport": options.transport,
        "client": options.client,
        "max_outstanding": options.max_outstanding,
        "ack_timeout": options.ack_limit,
        "drain": options.drain,
        "max_lag": options.max_lag,
        "headers": [f"{name}: ***" for name, _ in options.headers],
        "auth": None if options.auth is None else "***",
        "path": options.path,
        "namespace": options.namespace,
        "sources": list(options.sources),
        "deflate": options.deflate,
    }


def _number(parsed: Namespace, name: str, low: float, high: float) -> float | None:
    text = str(getattr(parsed, name)).strip()
    if not text:
        return None
    option = f"--{name.replace('_', '-')}"
    try:
        value = float(text)
    except ValueError:
        raise OptionError(f"{option} must be a number, not {text!r}") from None
    if not low <= value <= high:
        raise OptionError(f"{option} must be a number from {low:g} to {high:g}, not {text}")
    return value


def _choice(parsed: Namespace, name: str, choices: tuple[str, ...]) -> str:
    value = str(getattr(parsed, name))
    if value not in choices:
        raise OptionError(f"--{name} is one of {', '.join(choices)}, not {value!r}")
    return value


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(map(header_field, filter(None, map(str.strip, text.splitlines()))))
    except ValueError as error:
        raise OptionError(str(error)) from None


def _with_cookies(headers: tuple[tuple[str, str], ...], text: str) -> tuple[tuple[str, str], ...]:
    cookies = [each.strip() for each in text.splitlines() if each.strip()]
    if not cookies:
        return headers
    if not all("=" in each for each in cookies):
        raise OptionError("--cookie must be NAME=VALUE")
    own = [value for name, value in headers if name.lower() == "cookie"]
    others = tuple(pair for pair in headers if pair[0].lower() != "cookie")
    return (*others, ("Cookie", "; ".join([*own, *cookies])))


def _cert(cert: str, key: str) -> str | None:
    if key and not cert:
        raise OptionError("--key is for --cert: name the certificate, too")
    return cert or None


def _proxy(text: str) -> str | None:
    given = text.strip()
    if not given:
        return None
    try:
        Proxy.parse(given)
    except ProxyUrlError as error:
        raise OptionError(f"--proxy: {error}") from None
    return given


def _stages(text: str) -> tuple[Stage, ...]:
    try:
        return read_stages(text)
    except StageError as error:
        raise OptionError(str(error)) from None


def _path(text: str, option: str) -> str:
    if text and not text.startswith("/"):
        raise OptionError(f"{option} must begin with /, not {text!r:.80}")
    return text


def _json(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return auth_payload(text)
    except ValueError as error:
        raise OptionError(str(error)) from None
