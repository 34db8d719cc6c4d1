"""What can be typed behind `sockproof`; a wrong word is one line and exit code 3."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from sockproof import __version__
from sockproof.conformance.case import SUITES
from sockproof.load.options import SECRET_ARGUMENTS, add_arguments

WRONG_COMMAND = 3


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, with the exit code of a wrong command."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_COMMAND, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() else -1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"a whole number from {low} to {high}, not {text!r}")
        return value

    return number


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.05 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"seconds from 0.05 to 3600, not {text!r}")
    return value


def time_span(text: str) -> float:
    """Seconds, as 90, 90s, 5m or 1h30m: what Locust takes, too."""
    found = re.fullmatch(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s?)?", text.strip(), re.ASCII)
    hours, minutes, seconds = (int(each or 0) for each in found.groups()) if found else (0, 0, 0)
    value = hours * 3600 + minutes * 60 + seconds
    if not 1 <= value <= 10_000_000:
        raise argparse.ArgumentTypeError(
            f"a time of at least 1 s, as 30s, 5m or 1h30m, not {text!r}"
        )
    return float(value)


def _run_time(text: str) -> str:
    """The same as Locust is told it."""
    return f"{time_span(text):.0f}s"


def build_parser() -> Parser:
    """All commands with their options."""
    parser = Parser(prog="sockproof", description="Judges WebSocket and Socket.IO servers.")
    parser.add_argument("--version", action="version", version=f"sockproof {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_conformance(commands.add_parser("conformance", help="check a server, case by case"))
    target = commands.add_parser("target", help="run one of the servers that come with sockproof")
    target.add_argument("name", nargs="?", metavar="NAME", help="which; without it, all are listed")
    target.add_argument("--port", type=_whole(0, 65535), help="default: a free one")
    target.add_argument("--tls", action="store_true", help="over TLS, with a new certificate")
    target.add_argument("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    _add_matrix(commands.add_parser("matrix", help="judge all targets, and show them side by side"))
    compare = commands.add_parser("compare", help="what changed between two runs")
    for name in ("before", "after"):
        told = "a run folder, a report.json, or load runs with commas between them"
        compare.add_argument(name, metavar=name.upper(), help=told)
    where = {"type": Path, "default": Path("results"), "metavar": "DIR", "help": "(results/)"}
    compare.add_argument("--results", **where)  # type: ignore[arg-type]
    compare.add_argument("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    _add_load(commands.add_parser("load", help="load a server, and account for every message"))
    _add_ab(commands.add_parser("ab", help="whether one server is slower than another"))
    summary = commands.add_parser("summary", help="sum up the folder of a load run again")
    summary.add_argument("run", type=Path, metavar="RUN", help="a folder under results/")
    _add_gate(commands.add_parser("gate", help="does a run keep the rules?"))
    calibrate = commands.add_parser("calibrate", help="how right the harness is on this machine")
    calibrate.add_argument("--quick", action="store_true", help="shorter, and fewer rates")
    calibrate.add_argument("--results", **where)  # type: ignore[arg-type]
    calibrate.add_argument("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    _add_capacity(commands.add_parser("capacity", help="the largest load that keeps objectives"))
    study = commands.add_parser("study", help="what is claimed of WebSocket, measured")
    study.add_argument("--quick", action="store_true", help="few repetitions, and small numbers")
    one = "only this one, as C9; may be repeated"
    study.add_argument("--claim", action="append", default=[], metavar="C", help=one)
    study.add_argument("--results", **where)  # type: ignore[arg-type]
    study.add_argument("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    _add_export(commands.add_parser("export", help="a load run's numbers for other programs"))
    init = commands.add_parser("init", help="begin a project: a locustfile, a gate, a workflow")
    init.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="(.)")
    init.add_argument("--force", action="store_true", help="write over files that are there")
    init.add_argument("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    report = commands.add_parser("report", help="write the reports of a run folder again")
    report.add_argument("run", type=Path, metavar="RUN", help="a folder under results/")
    report.add_argument("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    return parser


def _add_load(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    parser.epilog = (
        "Whatever else is given goes to Locust: --rate, --payload-octets, --room-size, "
        "--transport, --client and more; `locust -f FILE --help` lists them."
    )
    add("scenario", metavar="SCENARIO", help="a name, as echo or chat_rooms, or a locustfile")
    add("url", nargs="?", metavar="URL", help="without it, a target is started")
    add("--target", metavar="NAME", help="start this one")
    add("--users", type=_whole(1, 1_000_000), default=20, metavar="N", help="(20)")
    add("--spawn-rate", type=_positive, default=100.0, metavar="R", help="users a second (100)")
    time = {"type": _run_time, "default": "10s", "metavar": "T", "help": "as 30s or 5m (10s)"}
    add("-t", "--run-time", **time)  # type: ignore[arg-type]
    add("--processes", type=_whole(1, 256), default=1, metavar="N", help="worker processes (1)")
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="(results/)")
    add("--no-report", action="store_true", help="draw no figures, write no page")
    add("--rules", metavar="NAME", help="judge the run by these: a name in gates/, or a .toml")
    add("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    _add_scenario_options(parser)


class _PassOn(argparse.Action):
    """An option of the scenario's, kept for Locust; what it holds is not taken for a URL."""

    def __call__(
        self, parser: object, namespace: Any, values: Any, option_string: str | None = None
    ) -> None:
        del parser, option_string
        name = self.option_strings[0].removeprefix("--")
        if name in SECRET_ARGUMENTS:
            before = namespace.secrets.get(name)
            whole = values if before is None or name != "header" else f"{before}\n{values}"
            namespace.secrets = {**namespace.secrets, name: whole}
        else:
            words = [f"--{name}"] if self.nargs == 0 else [f"--{name}={values}"]
            namespace.passed = [*namespace.passed, *words]


class _Scenario:
    """Takes the options of load runs, as Locust's parser does."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parser = parser

    def add_argument(self, name: str, **how: Any) -> None:
        """Pass this one on, unless the command has it itself."""
        if name not in self._parser._option_string_actions:
            nargs = 0 if how.get("action") == "store_true" else None
            dest = f"passed_{name[2:]}"
            self._parser.add_argument(
                name, dest=dest, action=_PassOn, nargs=nargs,
                default=argparse.SUPPRESS, help=argparse.SUPPRESS,
            )  # fmt: skip


def _add_scenario_options(parser: argparse.ArgumentParser) -> None:
    add_arguments(_Scenario(parser))
    parser.set_defaults(more=[], passed=[], secrets={})


def _add_capacity(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    parser.epilog = "Whatever else is given goes to Locust, as with `sockproof load`."
    add("scenario", metavar="SCENARIO", help="as for `sockproof load`")
    add("url", nargs="?", metavar="URL", help="without it, a target is started for each run")
    slo = "what must hold, as 'counts.lost == 0'; may be repeated"
    add("--slo", action="append", required=True, metavar="RULE", help=slo)
    add("--target", metavar="NAME", help="start this one")
    add("--target-pid", type=_whole(1, 1 << 22), metavar="PID", help="the server's, for its CPU")
    add("--from", dest="first", type=_whole(1, 10**6), default=10, metavar="N", help="users (10)")
    add("--to", dest="most", type=_whole(1, 10**6), default=10_000, metavar="N", help="(10,000)")
    each = "of each run, as 30s or 5m (15s)"
    add("-t", "--run-time", type=_run_time, default="15s", metavar="T", help=each)
    add("--processes", type=_whole(1, 256), default=1, metavar="N", help="worker processes (1)")
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="(results/)")
    add("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    _add_scenario_options(parser)


def _add_export(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="a folder under results/")
    add("--format", required=True, choices=("csv", "parquet", "openmetrics", "hgrm"))
    add("--out", type=Path, metavar="FILE", help="(the standard output)")
    kinds = ("ack", "delivery", "connect")
    add("--latency", choices=kinds, default="ack", help="for hgrm (ack)")
    add(
        "--from",
        dest="origin",
        choices=("intended", "actual"),
        default="intended",
        help="(intended)",
    )


def _add_gate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("run", nargs="+", type=Path, metavar="RUN", help="a folder under results/")
    add("--rules", metavar="NAME", help="a name on the shelf gates/, or a .toml")
    add("--baseline", nargs="+", type=Path, metavar="RUN", help="runs that these are compared with")
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="(results/)")
    for name in ("json", "junit", "markdown"):
        add(f"--{name}", type=Path, metavar="FILE", help="(beside the run)")
    add("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1e6:
        raise argparse.ArgumentTypeError(f"a number above 0, not {text!r}")
    return value


def _add_conformance(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "url",
        nargs="?",
        metavar="URL",
        help="ws://, wss://, http:// or https://; "
        "without it, the targets that come with sockproof are started and judged",
    )
    _add_choice(parser)
    add("--profile", type=Path, metavar="FILE", help="what the server offers, and its limits")
    add("--write-expectations", type=Path, metavar="FILE", help="write those of this run")
    add("--path", metavar="PATH", help="where Socket.IO answers (/socket.io/)")
    add("--namespace", metavar="NS", help="the Socket.IO namespace to use (/)")
    add("--auth", metavar="JSON", help="payload of each Socket.IO CONNECT")
    add("--header", action="append", default=[], metavar="'NAME: VALUE'", help="with each request")
    add("--cookie", action="append", default=[], metavar="'A=B'", help="with each request")
    offered = "offered with each WebSocket handshake; may be repeated"
    add("--subprotocol", action="append", default=[], metavar="NAME", help=offered)
    add("--ca", type=Path, metavar="FILE", help="trust this CA's certificate (PEM) for wss://")
    add("--insecure", action="store_true", help="take any certificate, and judge none")
    add("--token", metavar="T", help="SOCKPROOF_TOKEN of the server's fixture")
    add("--json", type=Path, metavar="FILE")
    add("--junit", type=Path, metavar="FILE")
    add("--html", type=Path, metavar="FILE")
    add("--markdown", type=Path, metavar="FILE")
    add("--autobahn", type=Path, metavar="DIR", help="index.json and more, as Autobahn wrote them")
    add("--list", action="store_true", help="list the cases and run nothing")
    _add_places(parser)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--target", action="append", default=[], metavar="NAME", help="start and judge this one")
    add(
        "--suite",
        action="append",
        default=[],
        choices=SUITES,
        metavar="NAME",
        help=f"one of {', '.join(SUITES)}; may be repeated",
    )
    add("--case", action="append", default=[], metavar="GLOB", help="only cases whose id matches")
    but = "no case whose id matches; may be repeated"
    add("--exclude", action="append", default=[], metavar="GLOB", help=but)
    add("-v", "--verbose", action="store_true", help="list cases, too, as they happen and after")
    add(
        "--expect",
        action="append",
        default=[],
        metavar="FILE",
        help="known deviations: a file, or the name of a server whose ones are shipped",
    )
    add("--strict", action="store_true", help="SHOULD and NON_STRICT fail the run too")
    add("--jobs", type=_whole(1, 256), default=32, metavar="N", help="cases side by side (32)")
    add("--timeout", type=_seconds, default=5.0, metavar="S", help="limit for each case (5)")
    bound = "end after so long, whatever was not run (by the number of cases)"
    add("--max-time", type=time_span, metavar="T", help=bound)
    add("--repeat", type=_whole(1, 1000), default=1, metavar="N", help="run each case N times")
    add("--thorough", action="store_true", help="a thousand round trips where a few show the same")
    add("--shuffle", action="store_true", help="in random order")


def _add_places(parser: argparse.ArgumentParser) -> None:
    results = {"type": Path, "default": Path("results"), "help": argparse.SUPPRESS}
    parser.add_argument("--results", metavar="DIR", **results)  # type: ignore[arg-type]
    parser.add_argument("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)


def _add_matrix(parser: argparse.ArgumentParser) -> None:
    _add_choice(parser)
    _add_places(parser)
    # What `conformance` can be told besides, and a matrix of our own targets has no use for.
    unused = ("url", "profile", "path", "namespace", "auth", "token", "ca", "write_expectations")
    parser.set_defaults(
        insecure=False, header=[], cookie=[], subprotocol=[], **dict.fromkeys(unused)
    )


def _add_ab(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    parser.epilog = "Whatever else is given goes to Locust, as with `sockproof load`."
    add("scenario", nargs="?", metavar="SCENARIO", help="as for `sockproof load`")
    for side in ("a", "b"):
        who = "the server to compare with" if side == "a" else "the server in question"
        add(f"--{side}", metavar="URL", help=who)
        add(f"--{side}-target", metavar="NAME", help="or this one, started anew for each run")
        add(f"--{side}-pid", type=_whole(1, 1 << 31), metavar="PID", help="its process, for CPU")
    add("--aa", action="store_true", help="of --a alone: how often it would cry wolf")
    add("--again", type=Path, metavar="FOLDER", help="judge a recorded comparison again")
    add("--stored", nargs=2, metavar=("A,A,…", "B,B,…"), help="judge stored runs of two servers")
    add("--paired", action="store_true", help="the runs of --stored were made in pairs")
    add("--pairs", type=_whole(1, 1000), metavar="N", help="at least (8)")
    add("--max-pairs", type=_whole(1, 1000), metavar="N", help="at most (12)")
    add("--runs", type=_whole(1, 2000), metavar="N", help="of --aa (two for each of --max-pairs)")
    add(
        "--warm-up", type=_whole(0, 100), default=1, metavar="N", help="pairs that do not count (1)"
    )
    add("--metric", action="append", metavar="NAME", help="may be repeated")
    add("--tolerance", type=_share, metavar="P", help="what it may be worse by (5%%)")
    add("--seed", type=_whole(0, 2**32 - 1), metavar="N", help="of the order of runs and the rest")
    add("--users", type=_whole(1, 1_000_000), default=20, metavar="N", help="(20)")
    add("--spawn-rate", type=_positive, default=100.0, metavar="R", help="users a second (100)")
    each = "of each run, as 30s or 5m (10s)"
    add("-t", "--run-time", type=_run_time, default="10s", metavar="T", help=each)
    add("--processes", type=_whole(1, 256), default=1, metavar="N", help="worker processes (1)")
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="(results/)")
    add("--shelf", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    _add_scenario_options(parser)


def _share(text: str) -> float:
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 10:
        raise argparse.ArgumentTypeError(f"a share like 5% or 0.05, not {text!r}")
    return value
