"""Cases: what registers one, and how a shelf of them is read.

A case is an `async def` in a shelf file `conformance/SUITE/FILE.py`; where it is about clients,
in `client_cases/SUITE/FILE.py`. Its function's name is the sentence it checks, and its id is
`SUITE/FILE/FUNCTION`, with `[variant]` behind it where one function runs over several parameters.
FILE in a folder of its own is `FOLDER_FILE`. Ids never depend on a position.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sockproof.shelves import ShelfError, load_module
from sockproof.vocabulary import SUITES, Suite

CaseFunction = Callable[..., Awaitable[None]]
Limit = float | Callable[[float, float], float] | None
Aliases = Iterable[str] | Mapping[str, Iterable[str]]

DRIVERS = "drivers"  # the folder of a suite with programs that its cases start, and no case

# What a `deflated` case is offered when it runs again in the suite `deflate`, by variant.
OFFERS = {
    "takeover": "permessage-deflate",
    "no-takeover": "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "small-window": "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One case as the runner sees it: one function with one set of parameters."""

    id: str
    requirement: str
    function: CaseFunction
    parameters: Mapping[str, Any] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    exclusive: bool = False
    limit: Limit = None
    autobahn: tuple[str, ...] = ()
    offer: str | None = None  # of permessage-deflate, which every connection of the case makes
    control: CaseFunction | None = None  # the same without the offence
    last: bool = False  # it looks back on all others of the run
    told: Mapping[str, Any] = field(default_factory=dict)  # what a client's driver is to do

    @property
    def suite(self) -> str:
        """The folder that the case stands in."""
        return self.id.partition("/")[0]

    def limit_with(self, ping_interval: float, ping_timeout: float) -> float:
        """The limit of its own, where the server announces these timers; all in seconds."""
        if callable(self.limit):
            return self.limit(ping_interval, ping_timeout)
        return self.limit or 0

    @property
    def sentence(self) -> str:
        """The function's name as a sentence."""
        name = self.id.rsplit("/", 1)[-1]
        words, bracket, variant = name.partition("[")
        return words.replace("_", " ") + (f" [{variant}" if bracket else "")


@dataclass(frozen=True, slots=True)
class _Registration:
    requirement: str
    needs: frozenset[str]
    exclusive: bool
    limit: Limit
    over: Mapping[str, Sequence[Any]]
    autobahn: Aliases
    deflated: bool
    control: CaseFunction | None
    last: bool
    told: Mapping[str, Any]


def case(
    requirement: str,
    *,
    needs: Iterable[str] = (),
    exclusive: bool = False,
    limit: Limit = None,
    over: Mapping[str, Sequence[Any]] | None = None,
    autobahn: Aliases = (),
    deflated: bool = False,
    control: CaseFunction | None = None,
    last: bool = False,
    told: Mapping[str, Any] | None = None,
) -> Callable[[CaseFunction], CaseFunction]:
    """Register the decorated function as a case of `requirement`.

    `needs` names capabilities of the target, without which the case is UNSUPPORTED. `over`
    maps a parameter's name to its values: one case for each combination, its variant being the
    values joined with commas. `limit` (seconds) replaces the run's limit for this case where it
    is longer; a function derives it from the server's ping interval and ping timeout. `exclusive`
    cases run with no other beside them. `autobahn` lists the ids of Autobahn|Testsuite that the
    case covers, or maps a variant to such a list. A `deflated` case of the suite `websocket` runs
    again as one of the suite `deflate`, once for each of `OFFERS`, all that it sends compressed.
    `control` does the same as the case without the offence, with those of the case's parameters
    that it has itself: it runs when the case was not a PASS, and where it raises, the case says
    nothing of its requirement. `last` cases are exclusive and run when all others have, since they
    tell what became of what those said. `told` is what the driver of a client is told beside the
    case's id: which subprotocols to offer, which transports and namespaces to use.
    """
    names = {needs} if isinstance(needs, str) else needs
    registration = _Registration(
        requirement,
        frozenset(names),
        exclusive or last,
        limit,
        over or {},
        autobahn,
        deflated,
        control,
        last,
        told or {},
    )

    def register(function: CaseFunction) -> CaseFunction:
        function.sockproof_case = registration  # type: ignore[attr-defined]
        return function

    return register


def variant_text(value: Any) -> str:
    """How a parameter's value is written in a case's id."""
    return str(getattr(value, "name", value)).lower().replace(" ", "-")


def _cases_of(function: CaseFunction, prefix: str) -> Iterable[Case]:
    registration: _Registration = function.sockproof_case  # type: ignore[attr-defined]
    name = getattr(function, "__name__", "")
    for values in itertools.product(*registration.over.values()):
        variant = ",".join(variant_text(value) for value in values)
        aliases = registration.autobahn
        if isinstance(aliases, Mapping):
            aliases = aliases.get(variant, ())
        yield Case(
            id=f"{prefix}/{name}" + (f"[{variant}]" if registration.over else ""),
            requirement=registration.requirement,
            function=function,
            parameters=dict(zip(registration.over, values, strict=True)),
            needs=registration.needs,
            exclusive=registration.exclusive,
            limit=registration.limit,
            autobahn=tuple(aliases),
            control=registration.control,
            last=registration.last,
            told=registration.told,
        )


def load_cases(shelf: Path, suites: Iterable[str] = SUITES) -> list[Case]:
    """Every case of the suites, in the order of files and, within one, of the source.

    Raises `ShelfError` when a file cannot be imported or two cases have one id.
    """
    cases: dict[str, Case] = {}
    for suite in suites:
        for found in _load_suite(shelf, suite):
            if found.id in cases:
                raise ShelfError(f"{shelf / suite}: two cases have the id {found.id}")
            cases[found.id] = found
    return list(cases.values())


def _load_suite(shelf: Path, suite: str) -> Iterable[Case]:
    for path in sorted((shelf / suite).rglob("*.py")):
        parts = path.relative_to(shelf / suite).with_suffix("").parts
        if parts[0] == DRIVERS:
            continue
        name = "_".join(parts)
        for function in _load_file(path, f"{suite}/{name}"):
            yield from _cases_of(function, f"{suite}/{name}")
    if suite != Suite.DEFLATE:
        return
    for path in sorted((shelf / "websocket").glob("*.py")):
        for function in _load_file(path, f"websocket/{path.stem}"):
            if function.sockproof_case.deflated:  # type: ignore[attr-defined]
                yield from _twins_of(function, f"deflate/{path.stem}")


def _twins_of(function: CaseFunction, prefix: str) -> Iterable[Case]:
    """The cases of a function again, with permessage-deflate agreed upon."""
    for plain in _cases_of(function, prefix):
        name, _, variant = plain.id.removesuffix("]").partition("[")
        for offer, value in OFFERS.items():
            yield replace(
                plain,
                id=f"{name}[{variant}{',' if variant else ''}{offer}]",
                needs=plain.needs | {"permessage-deflate"},
                autobahn=(),
                offer=value,
            )


def _load_file(path: Path, prefix: str) -> list[CaseFunction]:
    module = load_module(path, "sockproof_shelf." + prefix.replace("/", "."))
    return [value for value in vars(module).values() if hasattr(value, "sockproof_case")]
