"""What all connections of a process have done, counted where it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import gevent

from sockproof.files import MIB
from sockproof.vocabulary import TRAFFIC, Counter


class Traffic:
    """What all connections of this process did so far; plain counts, never reset here."""

    __slots__ = (
        *(each.value for each in (*TRAFFIC, Counter.BACK_PRESSURED)),
        "callback_failures",
        "cookies_refused",
        "held",
        "on_failure",
        "pings_answered",
        "read_at",
        "reads_slowly",
        "server",
    )

    def __init__(self) -> None:
        self.bytes_sent = 0  # taken by the operating system, with headers and masks
        self.bytes_received = 0
        self.back_pressured = 0  # sends that had to wait because the target read too slowly
        self.cookies_refused = 0  # beyond what a session keeps
        self.held = 0  # octets of what has not come whole, beyond each connection's own share
        self.callback_failures = 0  # exceptions of users' callbacks
        # Told of each; it returns whether that is all that has to be done.
        self.on_failure: Callable[[BaseException], bool] | None = None
        self.pings_answered = 0  # heartbeats: Engine.IO PING packets, WebSocket Ping frames
        self.server: str | None = None  # the field Server of the first response
        self.reads_slowly = True  # where an endpoint has a `read_rate`; false once a run drains
        self.read_at = 0  # when the octets that are being looked at were read, CLOCK_MONOTONIC


traffic: Final = Traffic()
SHOWN_FAILURES: Final = 10
MAX_HELD: Final = 16 * MIB  # of all connections of this process, beyond the share of each


def held(before: int, octets: int, share: int) -> int:
    """What a connection with so many octets holds beyond its share; it is `before` until now."""
    beyond = max(0, octets - share)
    traffic.held += beyond - before
    return beyond


def callback_failed(context: object) -> None:
    """Report the exception of a user's callback as gevent reports those of greenlets.

    What fails for every message is shown a few times and counted then. Where the run takes an
    exception for one of the scenario, it is the run's to tell.
    """
    traffic.callback_failures += 1
    error = sys.exception()
    if traffic.on_failure is not None and error is not None and traffic.on_failure(error):
        return
    if traffic.callback_failures <= SHOWN_FAILURES:
        gevent.get_hub().handle_error(context, *sys.exc_info())
