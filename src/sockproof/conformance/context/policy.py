"""What is known of a server before a case begins, and the refusals that it explains.

RFC 6455, 10.4 lets every server have limits, and 7.4.1 has codes for what it takes by no policy
(1003, 1008, 1009). A refusal of that kind says nothing about the requirement that a case is
about: the case is UNSUPPORTED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sockproof.conformance.context.said import Said
from sockproof.conformance.context.spoken import Spoken
from sockproof.wire.websocket import Opcode

NO_SUCH_TYPE, FORBIDS, TOO_BIG = 1003, 1008, 1009  # Close codes
GONE = (1000, 1001, 1012, 1013)
# The contract's further namespaces, and what a server has that keeps it out of one.
NAMESPACES = {
    "/custom": "refuses-custom",
    "/other": "refuses-other",
    "/reject": "refuses-reject",
}
SURELY_TAKEN = 125  # octets of a message that no server refuses for its size
SURELY_JOINED = 1000  # fragments of a message that are not too many for anybody


def is_of_an_application(code: int | None, *, to_a_ping: bool = False, later: bool = False) -> bool:
    """Whether a Close code tells of no fault: a server closes whenever it wants (7.3).

    It has done its work, it goes away, its policy forbids something, it restarts, others are
    served first, or the code is the application's own (7.4.1, 7.4.2). In the place of a Pong the
    last alone is: what answers Pings knows the others, too. `later`, where it answered Pings on
    this connection before, it has only gone.
    """
    others = GONE if later else () if to_a_ping else (*GONE, FORBIDS)
    return code is not None and (code in others or 3000 <= code < 5000)


@dataclass(frozen=True, slots=True)
class Policy:
    """The declared limits of a server and what it was found to offer.

    `capabilities` is empty while the server is still being asked. `burst` is how many events of
    one client it answers at once, where it was found to have such a limit; `main` is the namespace
    that is judged.
    """

    limits: Mapping[str, int] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
    burst: int | None = None
    main: str = "/"

    def lacks(self, capability: str) -> bool:
        """Whether the server was asked, and does not have it."""
        return bool(self.capabilities) and capability not in self.capabilities

    def beyond(self, said: Said) -> str | None:
        """The declared limit that what has been said is beyond, in words."""
        for name, amount in (
            ("max_message", said.largest),
            ("max_fragments", said.most_fragments),
        ):
            if name in self.limits and amount > self.limits[name]:
                return f"its profile declares {name} = {self.limits[name]}"
        return None

    def explains(self, code: int | None, said: Said) -> str | None:
        """What the server would have to take for the case to go on; None where nothing explains.

        `code` is that of the Close frame with which it answers what has been said, if any came.
        """
        declared = self.beyond(said)
        if declared is not None:
            return f"a server that takes a message of {said.largest} octets ({declared})"
        undeclared = "max_message" not in self.limits
        if code == TOO_BIG and undeclared and said.largest > SURELY_TAKEN:
            return f"a server that takes a message of {said.largest} octets"
        many = "max_fragments" not in self.limits and said.most_fragments > SURELY_JOINED
        if code in (FORBIDS, TOO_BIG) and many:
            return f"a server that takes a message in {said.most_fragments} fragments"
        if Opcode.BINARY in said.kinds and (
            "refuses-binary" in self.capabilities or (code == NO_SUCH_TYPE and self.lacks("binary"))
        ):
            return "a server that takes binary messages"
        if Opcode.TEXT in said.kinds and "refuses-text" in self.capabilities:
            return "a server that takes text that is not of its own protocol"
        return None

    def closes(self, namespace: str) -> bool:
        """Whether the contract is known not to be in one of its namespaces."""
        return NAMESPACES.get(namespace, "") in self.capabilities

    def explains_packets(self, spoken: Spoken) -> tuple[str, str] | None:
        """What a Socket.IO server would have to take for what was said to be judged, and why.

        None where nothing that is known of it explains anything.
        """
        for namespace in sorted(spoken.namespaces):
            if self.closes(namespace):
                return closed(namespace)
            known = namespace in (self.main, *NAMESPACES)
            if not known and "takes-any-namespace" in self.capabilities:
                return "a server that refuses namespaces", "it lets clients into one of any name"
        if spoken.octets and "refuses-binary" in self.capabilities:
            return NO_OCTETS
        if self.burst is not None and spoken.messages > self.burst:
            wanted = f"a server that takes {spoken.messages} messages of a case"
            return wanted, f"it answers {self.burst} events at once, and refuses more"
        return None


def closed(namespace: str) -> tuple[str, str]:
    """What is said of a case that needs the contract in a namespace where it is not."""
    wanted = f"the contract in {namespace}, for a client with these credentials (see --auth)"
    return wanted, "it is not there"


NO_OCTETS = ("a server that takes binary events", "it answers none")
