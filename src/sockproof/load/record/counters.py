"""What a process of a load run counts, as plain attributes; `vocabulary` has their names."""

from __future__ import annotations

from sockproof.vocabulary import PROCESS


class Counters:
    """The counters of a process since it began: they are counted up everywhere."""

    def __init__(self) -> None:
        self.emitted = self.acknowledged = self.ack_timeouts = self.receipts = 0
        self.corrupted = self.unreadable = self.misacknowledged = 0
        self.connections_opened = self.connect_failures = self.disconnected = self.live = 0
        self.refused = self.unanswered_requests = self.scenario_errors = 0
        self.offered = self.withheld = self.excused = self.back_pressured = 0
        self.bytes_sent = self.bytes_received = 0

    def counters(self) -> dict[str, int]:
        """All of them, by their names."""
        return {each.value: getattr(self, each.value) for each in PROCESS}
