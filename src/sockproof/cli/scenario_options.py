"""Options that the commands `load`, `ab` and `capacity` share, and those that go on to Locust."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sockproof import shelves
from sockproof.cli.arguments import Parser, positive, run_time, whole
from sockproof.load.locust.options import REPEATED, SECRET_ARGUMENTS, add_arguments

ROOM_SIZE = 10  # of a `RoomUser` whose scenario says nothing
OF_HOSTS = ("--rows", "--rows-port")  # for who can be a master
_TABLE = "bundled scenarios, with their defaults (--rate 0: closed loop; –: not used):"
_TO_LOCUST = "An option that is not listed here is passed on to Locust; see 'locust --help'."


def add_scenario(parser: argparse.ArgumentParser, but: str = "") -> None:
    """Add the scenario; `but` says with which options it is left out."""
    parser.add_argument(
        "scenario",
        nargs="?" if but else None,
        metavar="SCENARIO",
        help="name of a bundled scenario (see below), or path of a locustfile"
        f"{f'; {but}' if but else ''}",
    )


def add_url(parser: argparse.ArgumentParser) -> None:
    """Add the URL of the server."""
    parser.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        help="server to load-test: http:// or https:// for Socket.IO, ws:// or wss:// for "
        "WebSocket (default: start a bundled server)",
    )


def add_load(parser: argparse.ArgumentParser, *, time: str, users: int | None = None) -> None:
    """Add how much load, with these defaults; without `users`, the command itself decides."""
    group = parser.add_argument_group("load")
    if users is not None:
        group.add_argument(
            "--users",
            type=whole(1, 1_000_000),
            metavar="N",
            help="number of users, each with one connection "
            f"(default: {users}; --stages replaces it)",
        )
        group.add_argument(
            "--spawn-rate",
            type=positive,
            metavar="R",
            help="users started per second (default: 100; --stages replaces it)",
        )
    group.add_argument(
        "-t",
        "--run-time",
        type=run_time,
        default=time if users is None else None,
        metavar="T",
        help=f"duration of each run, ramp-up included, e.g. 30s, 5m or 1h30m (default: {time}"
        f"{'; --stages replaces it' if users is not None else ''})",
    )
    group.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    group.add_argument(
        "--processes",
        type=whole(1, 256),
        default=1,
        metavar="N",
        help="number of Locust worker processes (default: %(default)s)",
    )


class PassOn(argparse.Action):
    """An option of the scenario's, kept for Locust; what it holds is not taken for a URL.

    `fallback` is what Locust takes where it is not there.
    """

    fallback: Any = None

    def __call__(
        self, parser: object, namespace: Any, values: Any, option_string: str | None = None
    ) -> None:
        del parser, option_string
        name = self.option_strings[0].removeprefix("--")
        if name in SECRET_ARGUMENTS:
            before = namespace.secrets.get(name)
            whole = values if before is None or name not in REPEATED else f"{before}\n{values}"
            namespace.secrets = {**namespace.secrets, name: whole}
        else:
            words = [f"--{name}"] if self.nargs == 0 else [f"--{name}={values}"]
            namespace.passed = [*namespace.passed, *words]


class _Scenario:
    """Takes the options of load runs, as Locust's parser does."""

    def __init__(self, parser: argparse.ArgumentParser, unlisted: Collection[str]) -> None:
        self._parser = parser
        self._unlisted = unlisted
        self._group = parser.add_argument_group("scenario options", _TO_LOCUST)

    def add_argument(self, *names: str, **how: Any) -> None:
        """Pass this one on, in any spelling, unless the command has it itself."""
        if names[0] not in self._parser._option_string_actions:
            nargs = 0 if how.get("action") == "store_true" else None
            action = self._group.add_argument(
                *names,
                dest=f"passed_{names[0][2:]}",
                action=PassOn,
                nargs=nargs,
                default=argparse.SUPPRESS,
                metavar=how.get("metavar"),
                help=how["help"].replace("%(default)s", str(how.get("default"))),
            )
            if names[0] in self._unlisted:
                action.help = argparse.SUPPRESS
            assert isinstance(action, PassOn)
            action.fallback = how.get("default")


def add_scenario_options(parser: argparse.ArgumentParser, unlisted: Collection[str] = ()) -> None:
    """Add the options of scenarios; the help ends with a list of the scenarios.

    `unlisted` are those that say nothing to this command, and are not in its help.
    """
    add_arguments(_Scenario(parser, unlisted))
    parser.set_defaults(more=[], passed=[], secrets={})
    if isinstance(parser, Parser):
        examples = f"\n\n{parser.epilog}" if parser.epilog else ""
        parser.ending = lambda: scenarios() + examples


def scenarios() -> str:
    """The bundled scenarios, a line each, with the rate and the room size that they have."""
    try:
        paths = sorted(shelves.shelf("locustfiles").glob("*.py"))
        rows = [(path.stem, *_described(path)) for path in paths]
    except (shelves.ShelfError, OSError, SyntaxError, ValueError):
        return ""
    rows.insert(0, ("SCENARIO", "--rate", "--room-size", ""))
    return f"{_TABLE}\n" + "\n".join(
        f"  {name:17} {rate:>6}  {size:>11}  {said}".rstrip() for name, rate, size, said in rows
    )


def _described(path: Path) -> tuple[str, str, str]:
    """Rate, room size and purpose of a scenario, which is read and not run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    rate = size = "–"
    for user in (each for each in tree.body if isinstance(each, ast.ClassDef)):
        values = {
            ast.unparse(each.targets[0]): ast.unparse(each.value)
            for each in user.body
            if isinstance(each, ast.Assign)
        }
        if any(isinstance(each, ast.FunctionDef) and _is_paced(each) for each in user.body):
            rate = values.get("rate", "0")
        if any(ast.unparse(base) == "RoomUser" for base in user.bases):
            size = values.get("room_size", str(ROOM_SIZE))
    return rate, size, (ast.get_docstring(tree) or "").partition("\n")[0]


def _is_paced(method: ast.FunctionDef) -> bool:
    return any(ast.unparse(each).partition("(")[0] == "paced" for each in method.decorator_list)
