"""The TOML files that people write: profiles, targets, expectations, requirements, rules."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sockproof.formats import HandWritten, Level, Outcome, Words

Limit = Annotated[int, Meta(ge=1, le=(1 << 63) - 1)]
WebSocketCapability = Literal[
    "echo",
    "binary",
    "push",
    "server-close",
    "subprotocols",
    "permessage-deflate",
    "headers",
    "tls",
]
# `unsticky`: several processes without sticky sessions. The last two are a policy's refusals.
Capability = WebSocketCapability | Literal["unsticky", "refuses-binary", "refuses-text"]
Path = Annotated[str, Meta(pattern="^/")]


class Limits(HandWritten, frozen=True):
    """What a server refuses beyond; a refusal beyond is right, below a failure."""

    max_message: Limit | None = None
    max_fragments: Limit | None = None
    max_header_octets: Limit | None = None
    max_pending_pings: Limit | None = None


class Profile(HandWritten, frozen=True):
    """What is declared of a server. Without `capabilities` it is asked."""

    capabilities: list[Capability] | None = None
    limits: Limits = Limits()
    secret_query: Annotated[
        list[str], Meta(description="Query parameters whose values logs must not show.")
    ] = []
    path: Annotated[Path, Meta(description="Where Socket.IO answers.")] = "/socket.io/"
    namespace: Path = "/"


class ProfileFile(HandWritten, frozen=True, forbid_unknown_fields=False):
    """What `--profile` takes; other tables of the file are another's."""

    profile: Profile


class TargetFile(HandWritten, frozen=True):
    """A `target.toml`: a server that sockproof can start."""

    name: str
    title: str
    kind: Annotated[
        Literal["websocket", "socketio", "application"],
        Meta(description="`application` is for load tests alone."),
    ]
    requires: Annotated[list[str], Meta(description="Python distributions.")]
    start: Annotated[list[str], Meta(description="The command.")]
    url: str
    version: Annotated[str, Meta(description="What tells the version of what it runs on.")]
    profile: Profile = Profile()
    tools: Annotated[list[str], Meta(description="Programs that must be there.")] = []
    install: Annotated[list[str], Meta(description="Run once, before the first start.")] = []
    tls: Annotated[list[str], Meta(description="What `start` has behind it for TLS.")] = []
    packages: Annotated[
        dict[str, str], Meta(description="Debian's name for a tool or library.")
    ] = {}


ClientOffer = Literal[
    "subprotocols",
    "permessage-deflate",
    "polling",
    "websocket",
    "upgrade",
    "namespaces",
    "acknowledgements",
    "reconnection",
    "recovery",
]


class DriverFile(HandWritten, frozen=True):
    """A `driver.toml`: a client library that sockproof can start and judge."""

    name: str
    title: str
    kind: Literal["websocket", "socketio"]
    command: Annotated[list[str], Meta(min_length=1)]
    version: Annotated[str, Meta(description="What tells the version of the library.")]
    offers: Annotated[list[ClientOffer], Meta(description="What the library can do.")]
    requires: Annotated[list[str], Meta(description="Python distributions.")] = []
    tools: Annotated[list[str], Meta(description="Programs that must be there.")] = []
    install: Annotated[list[str], Meta(description="Run once, before the first start.")] = []
    packages: Annotated[
        dict[str, str], Meta(description="Debian's name for a tool or library.")
    ] = {}


class ExpectationsServer(HandWritten, frozen=True):
    """The server on which expectations were read."""

    version: str | None = None


class ExpectationEntry(HandWritten, frozen=True):
    """One known deviation."""

    case: Annotated[
        Words | Annotated[list[Words], Meta(min_length=1)],
        Meta(description="An id, or a glob with * and ?, or several."),
    ]
    outcome: Outcome
    reason: Words
    sometimes: Annotated[bool, Meta(description="Whether it may go either way.")] = False


class ExpectationsFile(HandWritten, frozen=True):
    """Known deviations of a named server."""

    extends: Annotated[
        Annotated[str, Meta(pattern=r"^[^/]*[^/\s][^/]*$")] | None,
        Meta(description="A file beside this one, without .toml, whose entries hold too."),
    ] = None
    without: Annotated[list[Words], Meta(description="Its entries that do not.")] = []
    server: ExpectationsServer = ExpectationsServer()
    expectation: list[ExpectationEntry] = []


class RequirementEntry(HandWritten, frozen=True):
    """A sentence of a standard, in our words."""

    id: Words
    section: Words
    level: Level
    text: Words
    untestable: Annotated[Words | None, Meta(description="Why nobody outside can see it.")] = None
    requires: Annotated[list[str], Meta(description="Those without which it cannot be kept.")] = []
    broken: Annotated[Words | None, Meta(description="What a server does that breaks it.")] = None
    harms: Literal["data"] | None = None


class FixEntry(HandWritten, frozen=True):
    """How servers that break some requirements are usually fixed."""

    of: Annotated[
        list[Words],
        Meta(min_length=1, description="Ids of requirements of this file, or globs of them."),
    ]
    text: Words


class RequirementsFile(HandWritten, frozen=True):
    """The requirements of one document."""

    document: str
    title: str
    requires: Annotated[list[str], Meta(description="What each of its requirements requires.")] = []
    requirement: list[RequirementEntry] = []
    fix: Annotated[
        list[FixEntry], Meta(description="Of a requirement, the first that names it counts.")
    ] = []


MOST_SECONDS = 1e6
Span = (
    Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?(ms|s|m)$")]
    | Annotated[float, Meta(ge=0, lt=MOST_SECONDS)]
)
Samples = Annotated[int, Meta(ge=0, le=1 << 62)]


class RuleEntry(HandWritten, frozen=True):
    """What must be true of a run. Times are seconds, or texts such as `10s` and `500ms`."""

    that: Annotated[str, Meta(description="As `counts.lost == 0`.")]
    why: str = ""
    min_samples: Samples | None = None
    window: Annotated[Span | None, Meta(description="It must hold in each stretch of so long.")] = (
        None
    )
    grace: Annotated[Span, Meta(description="What is left out at the beginning.")] = 0.0
    abort: Annotated[bool, Meta(description="Whether a broken rule ends the run.")] = False


class RulesFile(HandWritten, frozen=True):
    """The rules of a gate."""

    rule: Annotated[list[RuleEntry], Meta(min_length=1)]
    title: str | None = None
    min_samples: Annotated[Samples, Meta(description="For latencies of rules that name none.")] = 0
