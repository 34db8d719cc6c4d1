"""Judging a client together with servers: which cases they meet in, and the servers started."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from sockproof import shelves
from sockproof.api.clients import ClientJob, ClientJudged, ClientPlan, judge_job
from sockproof.api.expecting import load_of_clients
from sockproof.api.judge import Observer, Place
from sockproof.clients.pairs.pair import AWAITS_THE_ANSWER
from sockproof.clients.pairs.server import PairServer
from sockproof.conformance.peers.message import BROKEN_BY_FRAMES
from sockproof.conformance.peers.upgrade_response import BROKEN_BY_UPGRADES
from sockproof.conformance.running.run import choose_cases
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.requirements import Requirement, load_requirements
from sockproof.errors import CommandError
from sockproof.targets.launch import RunningTarget, launch
from sockproof.targets.spec import TargetSpec
from sockproof.vocabulary import Suite

ROLE = "pair-"  # with which the ids of requirements begin that a client and a server keep together
KINDS = ("websocket", "socketio")  # of clients and servers that can be put together
LIMIT = 60.0  # seconds of a case, whose steps have limits of their own
# What a frame of a client's breaks in whichever case it comes.
_OF_CLIENTS = ("client-rfc6455-5.", "client-rfc6455-7.4")
COMMAND = ("sockproof", "matrix", "--pairs")


def pair_cases(plan: ClientPlan, spec: TargetSpec) -> list[Case]:
    """The plan's cases in which clients meet this server: `SUITE/SERVER/NAME`.

    Their function lacks the server until it runs (`with_server`).
    """
    shelf = shelves.shelf("client_cases", plan.shelf) / "pairs"
    suite = Suite(spec.kind)
    offers = set(spec.profile.capabilities or ())
    if "unsticky" in offers:  # it serves one client by several processes that share nothing
        return []
    named = [
        replace(each, id=f"{suite}/{spec.name}/{each.id.rpartition('/')[2]}", limit=LIMIT)
        for each in load_cases(shelf, (suite,))
        if each.needs <= offers
    ]
    return choose_cases(named, plan.cases, plan.exclude)


def with_server(case: Case, server: PairServer) -> Case:
    """The case with the server that runs."""
    return replace(case, parameters={**case.parameters, "server": server})


class Started:
    """Servers that run side by side, each with the cases in which clients meet it."""

    def __init__(self, cases: Mapping[str, Sequence[Case]]) -> None:
        self.cases_of = cases
        self._running: dict[str, RunningTarget] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """They end with what is inside."""
        try:
            yield
        finally:
            self._stop()

    def start(self, spec: TargetSpec) -> None:
        """Start a server; raises `TargetError`."""
        self._running[spec.name] = launch(spec)

    def start_again(self) -> None:
        """Start those again that have died."""
        for name, running in list(self._running.items()):
            if running.has_ended:
                running.stop()
                self._running[name] = launch(running.spec, port=running.port)

    def _stop(self) -> None:
        with contextlib.ExitStack() as stack:
            for running in self._running.values():
                stack.callback(running.stop)

    def cases(self, kind: str) -> list[Case]:
        """Those of the servers of this kind, each with its server."""
        found = []
        for name, running in self._running.items():
            if running.spec.kind != kind:
                continue
            url = urlsplit(running.url)
            offers = frozenset(running.spec.profile.capabilities or ())
            where = PairServer(name, url.hostname or "", running.port, url.path or "/", offers)
            found += [with_server(case, where) for case in self.cases_of[name]]
        return found


def judge_pairs(
    plan: ClientPlan, cases: Sequence[Case], place: Place, observer: Observer
) -> ClientJudged:
    """Have the plan's client meet servers in these cases."""
    if not cases:
        raise CommandError("no server that this client could meet")
    known = load_of_clients(plan.expect, shelves.shelf("drivers", plan.shelf))
    job = ClientJob(plan, cases, cases, pair_requirements(plan), known, ROLE, COMMAND)
    return judge_job(job, place, observer)


def pair_requirements(plan: ClientPlan) -> dict[str, Requirement]:
    """What pairs keep together, and what either side breaks by a frame alone."""
    of_clients = shelves.shelf("client_cases", plan.shelf)
    of_servers = load_requirements(shelves.shelf("conformance", plan.shelf) / "requirements")
    found = load_requirements(of_clients / "pairs")
    for name, each in load_requirements(of_clients / "requirements").items():
        if name.startswith(_OF_CLIENTS):
            found[name] = each
    for name in (*BROKEN_BY_FRAMES, *BROKEN_BY_UPGRADES.values(), AWAITS_THE_ANSWER):
        found[name] = of_servers[name]
    return found
