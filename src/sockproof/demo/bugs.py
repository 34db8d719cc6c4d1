"""The three bugs of the chat: what each is, and the finding that shows it in a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sockproof.render.conformance.causes import Group, answer


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug: the requirement that it breaks, and the words that explain it.

    Of the wire log of the case that shows it, what lies between the entries whose texts hold
    `begins` and `shows` is shown; `shows` is where the bug is seen.
    """

    title: str
    requirement: str
    cause: str
    effect: str
    begins: str
    shows: str
    counter: str = ""  # of the load run, which counts what the bug does

    def finding(self, reports: Sequence[Mapping[str, Any]]) -> Group | None:
        """The fault of a report that is this bug; None where no report has it."""
        for report in reports:
            for group in answer(report).faults:
                if any(case["requirement"] == self.requirement for case in group.cases):
                    return group
        return None


BUGS = (
    Bug(
        title="A message is lost while a client changes its transport",
        requirement="eio-upgrade-nothing-lost",
        cause="A Socket.IO client begins with long-polling and upgrades to a WebSocket. The server"
        " does not emit to clients whose upgrade is under way.",
        effect="'one' and 'two' are sent between the probe and the upgrade, and never arrive.",
        begins="3probe",
        shows='"fence"',
    ),
    Bug(
        title="A room leaks after a reconnect",
        requirement="rooms-disconnect-leaves",
        cause="The server remembers the rooms of each user and gives them back when the user"
        " reconnects, although the new socket has joined none.",
        effect="The client was put out and connected anew; it still hears the room.",
        begins="41/custom",
        shows='"gone"',
        counter="leaked",
    ),
    Bug(
        title="A Ping inside a fragmented message destroys the message",
        requirement="rfc6455-5.4-control-in-between",
        cause="The server puts fragments together itself, and forgets those that it has when a"
        " control frame comes between them. Clients that keep connections alive send such Pings.",
        effect="The fragments 'one ' and 'message' come back as 'message'.",
        begins="'one '",
        shows="TEXT 'message'",
    ),
)


def others(reports: Sequence[Mapping[str, Any]]) -> list[Group]:
    """The faults of the reports that are none of the three bugs."""
    known = {bug.requirement for bug in BUGS}
    return [
        group
        for report in reports
        for group in answer(report).faults
        if not any(case["requirement"] in known for case in group.cases)
    ]
