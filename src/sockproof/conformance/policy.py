"""What is known of a server before a case begins, and the refusals that it explains.

RFC 6455, 10.4 lets every server have limits, and 7.4.1 has codes for what it takes by no policy
(1003, 1008, 1009). A refusal of that kind says nothing about the requirement that a case is
about: the case is UNSUPPORTED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sockproof.conformance.said import Said
from sockproof.wire.websocket import Opcode

NO_SUCH_TYPE, TOO_BIG = 1003, 1009  # Close codes
SURELY_TAKEN = 125  # octets of a message that no server refuses for its size


def is_of_an_application(code: int | None, *, its_own: bool = False) -> bool:
    """Whether a Close code tells of no fault: a server closes whenever it wants (7.3).

    It has done its work, it goes away, its policy forbids something, it restarts, others are
    served first, or the code is the application's own (7.4.1, 7.4.2). With `its_own`, this alone:
    what answers Pings knows the others, too.
    """
    others = () if its_own else (1000, 1001, 1008, 1012, 1013)
    return code is not None and (code in others or 3000 <= code < 5000)


@dataclass(frozen=True, slots=True)
class Policy:
    """The declared limits of a server and what it was found to offer.

    `capabilities` is empty while the server is still being asked.
    """

    limits: Mapping[str, int] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()

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
        if Opcode.BINARY in said.kinds and (
            "refuses-binary" in self.capabilities or (code == NO_SUCH_TYPE and self.lacks("binary"))
        ):
            return "a server that takes binary messages"
        if Opcode.TEXT in said.kinds and "refuses-text" in self.capabilities:
            return "a server that takes text that is not of its own protocol"
        return None
