"""`python -m tests.load.unfaithful_host ADDRESS PORT DELAY`: the unfaithful server as a process.

It does all misdeeds by turns, and when its input ends says how many of each.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import Any

from tests.servers.socketio_socket import Socket
from tests.servers.unfaithful import MISDEEDS, UnfaithfulServer


class Everything(UnfaithfulServer):
    """Counts each misdeed by its name."""

    def __init__(self, address: str, port: int, delay: float) -> None:
        super().__init__(MISDEEDS[0], every=11, delay=delay)
        self.address = (address, port)
        self.counts: Counter[str] = Counter()

    def _deliver(self, sender: Socket, receiver: Socket, args: list[Any]) -> None:
        turn = (self.deliveries + 1) // self.every % (len(MISDEEDS) + 1)
        self.misdeed = MISDEEDS[turn] if turn < len(MISDEEDS) else None
        before = self.done
        super()._deliver(sender, receiver, args)
        if self.misdeed not in (None, "swap"):
            self.counts[str(self.misdeed)] += self.done > before

    def _release(self, sender: Socket, receiver: Socket, overtaken: bool) -> None:
        if overtaken and (sender.sid, receiver.sid) in self._held:
            self.counts["swap"] += 1
        before = self.done
        super()._release(sender, receiver, overtaken)
        self.done = before


async def main(address: str, port: str, delay: str) -> None:
    """Serve, until the input ends."""
    server = Everything(address, int(port), float(delay))
    async with server:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
    sys.stdout.write(json.dumps({**server.counts, "deliveries": server.deliveries}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
