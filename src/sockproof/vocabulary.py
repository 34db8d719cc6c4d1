"""The names of what is counted, measured and judged, each spelt here and nowhere else.

Every member is the string that stands in files; its label and its help are for people. Importing
this module imports nothing beyond `enum`.

Where messages are counted, thousands of times a second, a counter is a plain attribute of
`load.record.counters.Counters`: no member is looked up there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Self

# What may be the address of the documentation: it stands in links, and comes from files.
DOCS_URL = r"^(https?|file)://[^\s\"'<>`]+$"


class Counter(StrEnum):
    """Something that a load run counts.

    `unit` is what is counted, `column` the name under which a table has it for each second.
    """

    label: str
    unit: str
    help: str
    column: str

    def __new__(cls, name: str, label: str, unit: str, text: str, column: str = "") -> Self:
        """A member; the value is its name in files."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.label, member.unit, member.help, member.column = label, unit, text, column
        return member

    # Sent and heard.
    OFFERED = (
        *("offered", "offered", "messages", "Sends that were due."),
        "offered_messages_per_s",
    )
    EMITTED = (
        *("emitted", "emitted", "messages", "Messages that left."),
        "emitted_messages_per_s",
    )
    ACKNOWLEDGED = (
        *("acknowledged", "acknowledged", "messages", "Messages that were acknowledged."),
        "acknowledged_messages_per_s",
    )
    RECEIPTS = (
        *("receipts", "received", "receipts", "Messages that clients received."),
        "received_messages_per_s",
    )
    WITHHELD = (
        *("withheld", "sends withheld", "messages"),
        "Sends skipped because acknowledgements or connections were missing.",
        "withheld_messages_per_s",
    )
    ACK_TIMEOUTS = (
        *("ack_timeouts", "acknowledgements timed out", "acknowledgements"),
        "Acknowledgements that did not come in time.",
        "ack_timeouts_per_s",
    )
    DUE = "due", "receipts due", "receipts", "Receipts that were due."
    UNDETERMINED = (
        *("undetermined", "undetermined", "receipts"),
        "Receipts that may or may not have been due.",
    )
    # What a target can do wrong.
    LOST = "lost", "lost", "receipts", "Receipts that were due and did not come."
    DUPLICATED = "duplicated", "duplicated", "receipts", "Receipts beyond the first of a message."
    REORDERED = (
        *("reordered", "reordered", "receipts"),
        "Receipts behind a later message of their sender.",
    )
    LEAKED = "leaked", "leaked", "receipts", "Receipts by clients that were not in the room."
    CORRUPTED = (
        *("corrupted", "corrupted", "receipts", "Receipts of altered messages."),
        "corrupted_messages_per_s",
    )
    FORGED = (
        *("forged", "forged", "receipts"),
        "Receipts whose stamp is not the one that the sender made.",
    )
    INVENTED = "invented", "invented", "receipts", "Receipts of messages that nobody sent."
    UNACKNOWLEDGED = (
        *("unacknowledged", "unacknowledged", "messages"),
        "Acknowledgements that were asked for and did not come in time.",
    )
    MISACKNOWLEDGED = (
        *("misacknowledged", "misacknowledged", "acknowledgements"),
        "Acknowledgements that match no message.",
        "wrong_acknowledgements_per_s",
    )
    CONTRADICTED = (
        *("contradicted", "contradicted", "receipts"),
        "Receipts of messages that the application had refused.",
    )
    MISNUMBERED = (
        *("misnumbered", "misnumbered", "answers"),
        "Answers whose value is missing, not unique, or does not increase.",
    )
    MISCOUNTED = (
        *("miscounted", "miscounted", "receipts"),
        "Receipts without a stamp that are missing or too many.",
    )
    BROKEN = "broken", "broken", "connections", "Connections that the target broke."
    REFUSED = "refused", "refused", "answers", "Answers that refuse what was asked for."
    UNANSWERED = (
        *("unanswered_requests", "unanswered requests", "requests"),
        "Requests to enter or leave a room whose answer did not come in time.",
    )
    OUTAGES = "outages", "outages", "spans", "Spans of time in which the target served nobody."
    # What a scenario can do wrong.
    ERRORS = (
        *("scenario_errors", "errors in the scenario", "errors"),
        "Exceptions in the scenario's methods.",
    )
    # Acknowledgements that answer nothing, by why.
    STRAY_ACKS = (
        *("stray_acks", "unrequested acknowledgements", "acknowledgements"),
        "Unrequested acknowledgements.",
    )
    EARLY_ACKS = (
        *("early_acks", "acknowledgements before the message", "acknowledgements"),
        "Acknowledgements that came before their message was sent.",
    )
    DOUBLED_ACKS = (
        *("doubled_acks", "acknowledgements for a second time", "acknowledgements"),
        "Acknowledgements that came a second time.",
    )
    FOREIGN_ACKS = (
        *("foreign_acks", "acknowledgements of another client's", "acknowledgements"),
        "Acknowledgements with the number of another client's message.",
    )
    # What counts for nothing, or as something else than it is called.
    LATE = "late", "received too late", "receipts", "Receipts after the drain."
    LATE_ACKS = (
        *("late_acks", "acknowledged too late", "acknowledgements"),
        "Acknowledgements after their time limit, or after the drain.",
    )
    UNRECORDED = (
        *("unrecorded", "received without a record of the send", "receipts"),
        "Receipts of messages whose send may not have been recorded.",
    )
    UNREADABLE = (
        *("unreadable", "unreadable", "receipts", "Receipts with no stamp, or an altered one."),
        "unreadable_messages_per_s",
    )
    # Connections.
    CONNECTIONS_OPENED = (
        *("connections_opened", "opened", "connections", "Connections that were opened."),
        "connections_opened_per_s",
    )
    CONNECT_FAILURES = (
        *("connect_failures", "failed", "connections", "Connections that could not be opened."),
        "connect_failures_per_s",
    )
    DISCONNECTED = (
        *("disconnected", "lost", "connections"),
        "Connections that ended unexpectedly.",
        "connections_lost_per_s",
    )
    LIVE = "live", "live connections", "connections", "Connections that are open."
    EXCUSED = (
        *("excused", "sends withheld as expected", "messages"),
        "Withheld sends that the scenario itself provoked or expects.",
    )
    BACK_PRESSURED = (
        *("back_pressured", "back-pressured", "messages"),
        "Sends that had to wait because the target read too slowly.",
        "back_pressured_per_s",
    )
    BYTES_SENT = (
        *("bytes_sent", "sent", "bytes", "Bytes that the operating system took to send."),
        "sent_bytes_per_s",
    )
    BYTES_RECEIVED = (
        *("bytes_received", "received over the wire", "bytes", "Bytes that were received."),
        "received_bytes_per_s",
    )


class Property(StrEnum):
    """Something that must not happen; its value is the counter of how often it did."""

    LOST = Counter.LOST.value
    DUPLICATED = Counter.DUPLICATED.value
    REORDERED = Counter.REORDERED.value
    LEAKED = Counter.LEAKED.value
    CORRUPTED = Counter.CORRUPTED.value
    FORGED = Counter.FORGED.value
    INVENTED = Counter.INVENTED.value
    UNACKNOWLEDGED = Counter.UNACKNOWLEDGED.value
    MISACKNOWLEDGED = Counter.MISACKNOWLEDGED.value
    CONTRADICTED = Counter.CONTRADICTED.value
    MISNUMBERED = Counter.MISNUMBERED.value
    MISCOUNTED = Counter.MISCOUNTED.value
    BROKEN = Counter.BROKEN.value
    DISCONNECTED = Counter.DISCONNECTED.value
    CONNECT_FAILURES = Counter.CONNECT_FAILURES.value
    REFUSED = Counter.REFUSED.value
    UNANSWERED = Counter.UNANSWERED.value
    OUTAGES = Counter.OUTAGES.value
    WITHHELD = Counter.WITHHELD.value
    ERRORS = Counter.ERRORS.value

    @property
    def said(self) -> str:
        """What happened, behind a number."""
        return _SAID.get(self, self.value)


_SAID = {
    Property.DISCONNECTED: "connections lost",
    Property.CONNECT_FAILURES: "connects failed",
    Property.UNANSWERED: Counter.UNANSWERED.label,
    Property.WITHHELD: "sends withheld",
    Property.ERRORS: Counter.ERRORS.label,
}
PROPERTIES = tuple(Property)
# What becomes of messages and of the connections that carry them.
OF_MESSAGES = PROPERTIES[: PROPERTIES.index(Property.BROKEN) + 1]
# What says nothing of the target where it is violated: the run is then inconclusive.
OF_SCENARIO = (Property.WITHHELD, Property.ERRORS)
VIOLATIONS = tuple(Counter[each.name] for each in OF_MESSAGES)
MESSAGES = (Counter.EMITTED, Counter.ACKNOWLEDGED, Counter.ACK_TIMEOUTS, Counter.RECEIPTS)
STRAYS = (Counter.STRAY_ACKS, Counter.EARLY_ACKS, Counter.DOUBLED_ACKS, Counter.FOREIGN_ACKS)
ASIDE = (Counter.LATE, Counter.LATE_ACKS, Counter.UNRECORDED)
CONNECTIONS = (Counter.CONNECTIONS_OPENED, Counter.CONNECT_FAILURES, Counter.DISCONNECTED)
TRAFFIC = (Counter.BYTES_SENT, Counter.BYTES_RECEIVED)
# What the delivery checker counts, and what stands in a summary.
CHECKED = (
    *(*MESSAGES, Counter.DUE, Counter.UNDETERMINED),
    *(*VIOLATIONS, *STRAYS, *ASIDE),
)
# What is told of the messages of each name, and of the users of each class.
BY_NAME = (
    *(*MESSAGES, Counter.DUE, Counter.UNDETERMINED),
    *(Counter.LOST, Counter.DUPLICATED, Counter.REORDERED, Counter.LEAKED, Counter.CORRUPTED),
    *(Counter.FORGED, Counter.UNACKNOWLEDGED, Counter.CONTRADICTED, Counter.MISNUMBERED),
    Counter.REFUSED,
)
BY_CLASS = (*BY_NAME, Counter.INVENTED, Counter.MISACKNOWLEDGED, Counter.BROKEN, *CONNECTIONS)
# What is judged beside messages, and not counted by the checker of deliveries or above.
TROUBLES = (
    *(Counter.REFUSED, Counter.UNANSWERED, Counter.OUTAGES),
    *(Counter.WITHHELD, Counter.EXCUSED, Counter.ERRORS),
)
COUNTS = (*CHECKED, *TROUBLES, *CONNECTIONS, *TRAFFIC)
# What each process writes down once a second: all that it has counted so far.
PROCESS = (
    *(Counter.EMITTED, Counter.ACKNOWLEDGED, Counter.ACK_TIMEOUTS, Counter.RECEIPTS),
    *(Counter.CORRUPTED, Counter.UNREADABLE, Counter.MISACKNOWLEDGED),
    *(*CONNECTIONS, Counter.LIVE),
    *(Counter.REFUSED, Counter.UNANSWERED, Counter.ERRORS),
    *(Counter.OFFERED, Counter.WITHHELD, Counter.EXCUSED, *TRAFFIC, Counter.BACK_PRESSURED),
)
# The columns of a table with a row for each second, in their order.
EACH_SECOND = (
    *(Counter.OFFERED, Counter.EMITTED, Counter.ACKNOWLEDGED, Counter.RECEIPTS, Counter.WITHHELD),
    *(Counter.ACK_TIMEOUTS, Counter.CORRUPTED, Counter.UNREADABLE, Counter.MISACKNOWLEDGED),
    *(*CONNECTIONS, Counter.BACK_PRESSURED, *TRAFFIC),
)


class Gauge(StrEnum):
    """What a process writes once a second of itself and of the target, beside its counters."""

    CPU_S = "cpu_s"
    RSS_BYTES = "rss_bytes"
    TARGET_CPU_S = "target_cpu_s"
    TARGET_RSS_BYTES = "target_rss_bytes"
    HUB_LAG_NS = "hub_lag_ns"


class Step(StrEnum):
    """How far the users of a process came, and what they heard, so far."""

    USERS = "users"
    STARTED = "users_started"  # those that asked for a connection
    SETTLED = "users_settled"  # those that were where they were to be
    AWAITED = "answers_awaited"  # to what lets a user into a room or out of it, and never came
    UNSTAMPED = "unstamped_messages"  # heard, and of no use to the scenario either
    SLOW = "slow_readers"  # users that read no faster than their scenario says


class LatencyKind(StrEnum):
    """Of what a latency is."""

    label: str

    def __new__(cls, name: str, label: str) -> Self:
        """A member; the value is its name in files."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.label = label
        return member

    ACK = "ack", "Acknowledgement"
    DELIVERY = "delivery", "Delivery"
    CONNECT = "connect", "Connect"


MESSAGE_KINDS = (LatencyKind.ACK, LatencyKind.DELIVERY)


class Origin(StrEnum):
    """From when a latency is measured."""

    INTENDED = "intended"  # when the message was due
    ACTUAL = "actual"  # when it left


def before_key(kind: LatencyKind, origin: Origin) -> str:
    """The key of latencies of messages that were due before the measured part."""
    return kind.value if origin is Origin.INTENDED else f"{kind.value}_{origin.value}"


class Percentile(NamedTuple):
    """A percentile of latencies."""

    name: str
    label: str
    fraction: float

    @property
    def ms(self) -> str:
        """The key under which files have it, in milliseconds."""
        return f"{self.name}_ms"


P50, P90, P99, P999 = PERCENTILES = (
    Percentile("p50", "p50", 0.5),
    Percentile("p90", "p90", 0.9),
    Percentile("p99", "p99", 0.99),
    Percentile("p999", "p99.9", 0.999),
)
OF_A_SECOND = (P50, P90, P99)  # one second, or a few, have too few samples for more
FRACTIONS = {each.ms: each.fraction for each in PERCENTILES}
SAMPLES, MAX_MS = "samples", "max_ms"
LATENCY_COLUMNS = (*FRACTIONS, MAX_MS)
LABELS = {**{each.ms: each.label for each in PERCENTILES}, MAX_MS: "max"}


class Transport(StrEnum):
    """How a Socket.IO client of a load run connects."""

    WEBSOCKET = "websocket"
    POLLING = "polling"
    UPGRADE = "upgrade"  # by long-polling first


TRANSPORTS = tuple(each.value for each in Transport)


class Suite(StrEnum):
    """A suite of cases."""

    WEBSOCKET = "websocket"
    DEFLATE = "deflate"
    ENGINEIO = "engineio"
    SOCKETIO = "socketio"
    ROOMS = "rooms"
    CLIENTS = "clients"
    ABUSE = "abuse"


SUITES = tuple(each.value for each in Suite)
WEBSOCKET_SUITES = (Suite.WEBSOCKET.value, Suite.DEFLATE.value)
SOCKETIO_SUITES = (Suite.ENGINEIO.value, Suite.SOCKETIO.value, Suite.ROOMS.value)

# Names that files had before, in each group of them, and what they are called now.
FORMER = {
    "emits": Counter.EMITTED.value,
    "acks": Counter.ACKNOWLEDGED.value,
    "octets_sent": Counter.BYTES_SENT.value,
    "octets_received": Counter.BYTES_RECEIVED.value,
    "cpu_seconds": Gauge.CPU_S.value,
    "target_cpu_seconds": Gauge.TARGET_CPU_S.value,
    "measured_cpu_seconds": "measured_cpu_s",
    "measured_seconds": "measured_s",
    "payload_octets": "payload_bytes",
}


def renamed(group: Mapping[str, Any]) -> dict[str, Any]:
    """The group by the names of now, where it has former ones."""
    return {FORMER.get(name, name): value for name, value in group.items()}


def renamed_metric(metric: str) -> str:
    """The path of a metric by the names of now."""
    group, dot, name = metric.rpartition(".")
    return f"{group}{dot}{FORMER.get(name, name)}"


class Seen(StrEnum):
    """What a case saw instead of what it expected: verdicts ask for this, never for words."""

    OTHER = "other"  # another answer than the one expected, or what it lacks
    NO_ANSWER = "no-answer"  # within the time that the case itself gives for one
    TIMED_OUT = "timed-out"  # nothing more, until the case's limit ended it
    CLOSED = "closed"  # a Close frame
    REFUSED = "refused"  # a status of 400 or more, or no connection at all
    TCP_ENDED = "tcp-ended"
    NOT_CLOSED = "not-closed"  # it went on, or stayed open
    FORBIDDEN = "forbidden"  # what no server may send, in whatever case
    OVERHEARD = "overheard"  # what was said in another case
    OUT_OF_PROPORTION = "out-of-proportion"  # time that grows beyond what was sent
    DIED = "died"
