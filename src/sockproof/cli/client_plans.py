"""From the options of `clients`, and from Autobahn's files, to a plan."""

from __future__ import annotations

import re
import shlex
from argparse import Namespace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sockproof import files, shelves
from sockproof.api.clients import ClientPlan, with_driver
from sockproof.clients.driver import Driver
from sockproof.clients.run import SUITES
from sockproof.errors import CommandError
from sockproof.targets.drivers import DriverSpec, load_drivers

LISTEN = "127.0.0.1:9001"  # as Autobahn does
MOST_OCTETS = 1 << 20  # of a spec


def client_plan(options: Namespace) -> tuple[ClientPlan, Path | None]:
    """What `clients` is told, and where a spec wants Autobahn's files to be."""
    spec = _spec(options.spec) if options.spec is not None else {}
    driver = _driver(options.run)
    usual = LISTEN if driver is None and options.driver is None else "127.0.0.1:0"
    listen = options.listen or _authority(spec, options.spec) or usual
    host, port = _address(listen)
    outdir = spec.get("outdir")
    plan = ClientPlan(
        suites=tuple(options.suite),
        cases=tuple(options.case),
        exclude=tuple(options.exclude),
        autobahn=tuple(spec.get("cases", ["*"])) if spec else (),
        without_autobahn=tuple(spec.get("exclude-cases", [])),
        without_of=spec.get("exclude-agent-cases", {}),
        expect=tuple(options.expect),
        agent=options.agent,
        host=host,
        port=port,
        driver=driver,
        strict=options.strict,
        timeout=options.timeout,
        max_time=options.max_time,
        docs_url=options.docs_url,
        shelf=options.shelf,
    )
    if options.driver is not None:
        if driver is not None:
            raise CommandError("--driver and --run cannot be combined")
        plan = with_driver(plan, driver_of(options.driver, options.shelf))
    return plan, None if outdir is None else Path(outdir)


def clients_plan(options: Namespace) -> ClientPlan:
    """What `matrix --clients` and `matrix --pairs` are told, of each client."""
    wrong = [name for name in options.suite if name not in SUITES]
    if wrong:
        raise CommandError(f"no suite {wrong[0]!r} of clients; choose one of {', '.join(SUITES)}")
    return ClientPlan(
        suites=tuple(options.suite),
        cases=tuple(options.case),
        exclude=tuple(options.exclude),
        expect=tuple(options.expect),
        strict=options.strict,
        timeout=options.timeout,
        max_time=options.max_time,
        docs_url=options.docs_url,
        shelf=options.shelf,
    )


def driver_of(name: str, shelf: Path | None) -> DriverSpec:
    """The driver of this name; raises `CommandError` where there is none."""
    known = load_drivers(shelves.shelf("drivers", shelf))
    if name not in known:
        raise CommandError(f"no driver {name!r}; choose one of {', '.join(known)}")
    return known[name]


def _driver(words: str | None) -> Driver | None:
    """A command for the shell where it has more than words in it."""
    if words is None:
        return None
    if not words.strip():
        raise CommandError("--run needs a command")
    if re.search(r"[|&;<>$`\\*?\n]", words):
        return Driver(("/bin/sh", "-c", words), ("--run", words))
    try:
        return Driver(shlex.split(words), ("--run", words))
    except ValueError as error:
        raise CommandError(f"--run {words!r}: {error}") from None


def _address(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\s]*)):([0-9]{1,5})", text)
    if found is None or int(found[3]) > 65535:
        raise CommandError(f"--listen is HOST:PORT, e.g. 127.0.0.1:9001, not {text[:100]!r}")
    return found[1] or found[2] or "0.0.0.0", int(found[3])  # noqa: S104


def _spec(path: Path) -> dict[str, Any]:
    read = files.read_json(path, dict[str, Any], MOST_OCTETS)
    lists = {name: read.get(name, []) for name in ("cases", "exclude-cases")}
    for name, globs in {**lists, **_of_agents(path, read)}.items():
        if not isinstance(globs, list) or not all(isinstance(glob, str) for glob in globs):
            raise CommandError(f"{path}: {name} is not a list of patterns")
    for name in ("url", "outdir"):
        if not isinstance(read.get(name, ""), str):
            raise CommandError(f"{path}: {name} is not a string")
    return read


def _of_agents(path: Path, read: dict[str, Any]) -> dict[str, Any]:
    of_agents = read.get("exclude-agent-cases", {})
    if not isinstance(of_agents, dict):
        raise CommandError(f"{path}: exclude-agent-cases is not an object")
    for pattern in of_agents:
        try:
            re.compile(pattern)
        except re.error as error:
            raise CommandError(f"{path}: exclude-agent-cases: {pattern!r}: {error}") from None
    return of_agents


def _authority(spec: dict[str, Any], path: Path) -> str | None:
    url = spec.get("url")
    if url is None:
        return None
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "ws" or port is None:
        raise CommandError(f"{path}: url is ws://HOST:PORT, not {url[:100]!r}")
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
