"""From the plan of a run of cases to the job: the server as it is asked, the cases, the command
that repeats one."""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from sockproof import shelves
from sockproof.api.plans import TIMEOUT, JudgePlan
from sockproof.conformance.peers.tls import Trust, TrustError
from sockproof.conformance.running.run import Job, choose_cases
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.expectations import Expectation, glob_matches
from sockproof.conformance.shelf.profile import Profile
from sockproof.conformance.shelf.requirements import Requirement, load_requirements
from sockproof.conformance.targets.server import Server
from sockproof.conformance.trials.plan import Plan
from sockproof.errors import CommandError
from sockproof.vocabulary import DOCS_URL, SOCKETIO_SUITES, WEBSOCKET_SUITES, Suite
from sockproof.wire.http import is_token
from sockproof.wire.redaction import (
    Redactor,
    is_public,
    secrets_of_headers,
    secrets_of_url,
    secrets_of_value,
)
from sockproof.wire.url import Address, AddressError

SUBPROTOCOL = "sec-websocket-protocol"
WEBSOCKET_DOCUMENTS = "rfc"  # how the ids of their requirements begin


def build_server(url: str, profile: Profile, plan: JudgePlan, trust: Trust | None = None) -> Server:
    """The server that the plan describes; raises `CommandError`.

    `trust` is what a target of our own is trusted by, instead of what the plan says.
    """
    try:
        address = Address.parse(url)
    except AddressError as error:
        raise CommandError(str(error)) from None
    if plan.ca is not None and plan.insecure:
        raise CommandError("--ca and --insecure cannot be combined")
    if (plan.ca is not None or plan.insecure) and not address.tls and plan.url:
        raise CommandError("--ca and --insecure are for wss:// and https://")
    trust = trust or Trust(plan.ca, not plan.insecure)
    if plan.path is not None or plan.namespace is not None:
        profile = replace(
            profile,
            path=_slash("--path", plan.path or profile.path),
            namespace=_slash("--namespace", plan.namespace or profile.namespace),
        )
    return Server(
        address=address,
        profile=profile,
        headers=_headers(plan),
        subprotocols=_subprotocols(plan),
        auth=plan.auth,
        token=plan.token,
        trust=trust,
        tls=_context(trust) if address.tls else None,
        thorough=plan.thorough,
    )


def _context(trust: Trust) -> ssl.SSLContext:
    try:
        return trust.context()
    except TrustError as error:
        raise CommandError(str(error)) from None


def _slash(option: str, value: str) -> str:
    if not value.startswith("/"):
        raise CommandError(f"{option} must begin with a slash, unlike {value!r}")
    return value


def _headers(plan: JudgePlan) -> tuple[tuple[str, str], ...]:
    headers = []
    for name, value in plan.headers:
        if not is_token(name):
            raise CommandError(
                f"the name of a header field must be a token, not {len(name)} other characters"
            )
        if name.lower() == SUBPROTOCOL:
            continue  # offered where `subprotocols` are, and not by cases that have an offer
        headers.append((name, _field_value("--header", value)))
    for cookie in plan.cookies:
        if "=" not in cookie:
            raise CommandError(f"--cookie must be 'NAME=VALUE', not {len(cookie)} other characters")
    if plan.cookies:
        headers.append(("Cookie", _field_value("--cookie", "; ".join(plan.cookies))))
    return tuple(headers)


def _subprotocols(plan: JudgePlan) -> tuple[str, ...]:
    """What `subprotocols` names, and a header field of the same meaning."""
    names = list(plan.subprotocols)
    for name, value in plan.headers:
        if name.lower() == SUBPROTOCOL:
            names += [each.strip() for each in value.split(",")]
    for name in names:
        if not is_token(name):
            raise CommandError(f"--subprotocol must be a token (RFC 6455, 4.1), not {name!r}")
    return tuple(dict.fromkeys(names))


def _field_value(option: str, value: str) -> str:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise CommandError(f"{option}: not a character of header fields") from None
    if any(character in value for character in "\r\n\0"):
        raise CommandError(f"{option}: a header field cannot contain line breaks")
    return value


def redactor(server: Server) -> Redactor:
    """What hides the server's credentials in logs and reports."""
    return Redactor(
        [
            server.token or "",
            *secrets_of_headers(server.headers),
            *secrets_of_value(server.auth),
            *secrets_of_url(server.address.url, server.profile.secret_query),
        ]
    )


def rerun_command(plan: JudgePlan, what: Sequence[str], hide: Redactor) -> Callable[[Case], str]:
    """Makes the command that repeats one case, its credentials left for the reader to fill in."""
    words = ["sockproof", "conformance", *what]
    for option in ("profile", "ca", "path", "namespace"):
        value = getattr(plan, option)
        if value is not None:
            words += [f"--{option}", str(value)]
    words += [f"--{name}" for name in ("insecure", "thorough") if getattr(plan, name)]
    if plan.timeout != TIMEOUT:
        words += ["--timeout", f"{plan.timeout:g}"]
    for name, value in plan.headers:
        words += ["--header", f"{name}: {value}" if is_public(name) else f"{name}: …"]
    for cookie in plan.cookies:
        words += ["--cookie", f"{cookie.partition('=')[0]}=…"]
    for name in plan.subprotocols:
        words += ["--subprotocol", name]
    words += ["--auth", "…"] if plan.auth is not None else []
    words += ["--token", "…"] if plan.token is not None else []
    for known in plan.expect:
        words += ["--expect", known]
    beginning = hide.text(shlex.join(words))
    suites = " ".join(f"--suite {name}" for name in plan.suites)
    beginning += f" {suites}" if suites else ""
    return lambda case: f"{beginning} --case {shlex.quote(case.id)}"


# The cases.


def suites_of(plan: JudgePlan, default: Sequence[str]) -> tuple[str, ...]:
    """The suites that were named, or those of the kind of server."""
    return tuple(dict.fromkeys(plan.suites)) or tuple(default)


def fitting_suites(websocket: bool, plan: JudgePlan) -> tuple[str, ...]:
    """The suites to run on this kind of server; what another kind promises is not judged here.

    Raises `CommandError` when none of those that were named is for this kind.
    """
    default = WEBSOCKET_SUITES if websocket else SOCKETIO_SUITES
    fitting = (*default, Suite.ABUSE.value, Suite.CLIENTS.value)
    named = suites_of(plan, default)
    suites = tuple(name for name in named if name in fitting)
    if not suites or (plan.url is not None and suites != named):
        unfit = next(name for name in named if name not in fitting)
        kind = "Socket.IO servers (http://, https://)" if websocket else "ws:// and wss:// URLs"
        raise CommandError(f"the suite {unfit} is for {kind}; choose one of {', '.join(fitting)}")
    return suites


def concerned(cases: Iterable[Case], suites: Sequence[str], websocket: bool) -> list[Case]:
    """The cases of these suites that are about this kind of server; `abuse` has both."""
    return [
        case
        for case in cases
        if case.suite in suites
        if case.suite != Suite.ABUSE
        or case.requirement.startswith(WEBSOCKET_DOCUMENTS) == websocket
    ]


def _chosen(
    all_cases: Sequence[Case], suites: Sequence[str], websocket: bool, plan: JudgePlan
) -> list[Case]:
    for glob in plan.exclude:
        if not any(glob_matches(glob, case.id) for case in all_cases):
            raise CommandError(f"--exclude {glob}: no such case; --list shows them all")
    fitting = concerned(all_cases, suites, websocket)
    chosen = choose_cases(fitting, plan.cases, plan.exclude)
    if not chosen and choose_cases(fitting, plan.cases):
        raise CommandError(f"--exclude {' --exclude '.join(plan.exclude)} leaves no case")
    if plan.cases and not chosen:
        wanted = ", ".join(plan.cases)
        raise CommandError(f"no case matches {wanted}; --list shows them all")
    return chosen


def build_job(
    plan: JudgePlan,
    servers: Sequence[Server],
    what: Sequence[str],
    expectations: Sequence[Expectation],
    name: str | None = None,
    restart: Callable[[Server], Awaitable[bool]] | None = None,
) -> Job:
    """What is to be run; `what` is how the command line names the target.

    `name` and `restart` are of a target that we have started, see `Job` and `Plan`.
    """
    shelf = shelves.shelf("conformance", plan.shelf)
    websocket = servers[0].address.is_websocket
    suites = fitting_suites(websocket, plan)
    all_cases = load_cases(shelf)
    catalogue = catalogue_of(shelf, all_cases)
    hide = redactor(servers[0])
    return Job(
        plan=Plan(
            servers=servers,
            requirements=catalogue,
            expectations=expectations,
            redactor=hide,
            rerun=rerun_command(plan, what, hide),
            jobs=plan.jobs,
            limit=plan.timeout,
            repeat=plan.repeat,
            shuffle=plan.shuffle,
            restart=restart,
            max_time=plan.max_time,
        ),
        suites=suites,
        all_cases=all_cases,
        chosen=_chosen(all_cases, suites, websocket, plan),
        name=name,
        strict=plan.strict,
        excluded=plan.exclude,
        docs_url=plan.docs_url or documentation(),
    )


def catalogue_of(shelf: Path, cases: Iterable[Case]) -> dict[str, Requirement]:
    """The requirements by id, those of the cases among them; raises `CommandError`."""
    catalogue = load_requirements(shelf / "requirements")
    for case in cases:
        if case.requirement not in catalogue:
            raise CommandError(f"{case.id}: unknown requirement {case.requirement}")
    return catalogue


def documentation() -> str | None:
    """Where the package says that its documentation is; None before its release."""
    try:
        urls = importlib.metadata.metadata("sockproof").get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    told = dict(each.split(", ", 1) for each in urls if ", " in each).get("Documentation", "")
    is_public = re.fullmatch(DOCS_URL, told) and ".invalid/" not in told
    return told if is_public else None
