"""What is counted and judged, by its name: one place for each word that files and rules share."""

from __future__ import annotations

WEBSOCKET_SUITES = ("websocket", "deflate")
SOCKETIO_SUITES = ("engineio", "socketio", "rooms")
# The last two run only when they are named.
SUITES = (*WEBSOCKET_SUITES, *SOCKETIO_SUITES, "clients", "abuse")

# What a target of a load run can do wrong; each is a count, too.
MESSAGES = ("lost", "duplicated", "reordered", "leaked", "corrupted", "forged", "invented")
ANSWERS = ("unacknowledged", "misacknowledged")
PROPERTIES = (*MESSAGES, *ANSWERS, "broken")
# How many acknowledgements answered nothing, and why; together they are `misacknowledged`.
STRAYS = ("stray_acks", "early_acks", "doubled_acks", "foreign_acks")
_SENT = ("emitted", "acknowledged", "ack_timeouts", "receipts", "due", "undetermined")
# What came behind the drain or its time limit, and what cannot be judged without missing rows.
ASIDE = ("late", "late_acks", "unrecorded")
COUNTS = (*_SENT, *PROPERTIES, *STRAYS, *ASIDE)

LATENCY_KINDS = ("ack", "delivery", "connect")
PERCENTILES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}
