"""`results.json` of `sockproof site`: which requirements servers meet, for programs to read."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sockproof.formats import Count, Level, Moment, Outcome, Written


class SiteRequirement(Written):
    """A requirement that some case is about."""

    document: str
    section: str
    level: Level


class SiteStanding(Written):
    """How a server stands to a requirement: its worst case, and since when it is so."""

    outcome: Outcome
    since: Annotated[str, Meta(description="The server, of the first run that agrees.")]
    changed: Annotated[bool, Meta(description="Whether an earlier run said otherwise.")]
    cases: Annotated[list[str], Meta(description="Those that are no PASS.")]


class SiteVersion(Written):
    """A run of a server."""

    title: str
    started: Moment
    counts: dict[Outcome, Count]


class SiteServer(Written):
    """A server, or a client library."""

    name: str
    title: str
    kind: str
    page: str
    versions: list[SiteVersion]
    requirements: Annotated[dict[str, SiteStanding], Meta(description="By id.")]


class Site(Written):
    """Servers, and client libraries, by requirements."""

    schema: int
    kind: Literal["site"]
    sockproof: str
    updated: Annotated[Moment, Meta(description="When the latest run started.")]
    requirements: dict[str, SiteRequirement]
    servers: list[SiteServer]
    clients: Annotated[list[SiteServer], Meta(description="Client libraries.")] = []
