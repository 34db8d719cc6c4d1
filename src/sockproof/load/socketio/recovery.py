"""Connection state recovery, as socket.io-client has it.

A server that offers it names a `pid` in its answer to CONNECT and puts an offset behind the
arguments of its events. Who connects again tells both; where the server answers with the same
`pid`, it has kept rooms and sid, and what was missed comes again, perhaps before that answer.
Any last argument that is a string counts as an offset.
"""

from __future__ import annotations

from typing import Any

from sockproof.load.socketio.session import MAX_SID, parsed
from sockproof.wire import WireError

_DIGITS = tuple(b"%d" % digit for digit in range(10))  # of an acknowledgement that is asked for


class Recovery:
    """What a connection has to tell when it is opened again."""

    __slots__ = ("_offset", "_prefix", "pid")

    def __init__(self, pid: str, prefix: bytes) -> None:
        self.pid = pid
        self._prefix = prefix
        self._offset: bytes | None = None  # of the last event, in JSON

    def heard(self, data: bytes, at: int = 2) -> None:
        """An event came whole; `at` is where its namespace stands."""
        if data[-2:] != b'"]' or not data.startswith(self._prefix or (b"[", *_DIGITS), at):
            return
        comma = data.rfind(b',"')  # within a string the quote would be escaped
        if comma > 0:
            # A string so long is no offset that a server has given, and is not kept.
            self._offset = data[comma + 1 : -1] if len(data) - comma <= MAX_SID else b'""'

    def answered(self, pid: str | None) -> bool:
        """The new connection has a pid: whether the state of the one before was kept."""
        kept = pid == self.pid
        if pid is not None:
            self.pid = pid
        return kept

    def payload(self, auth: Any) -> Any:
        """The payload of CONNECT."""
        if auth is not None and not isinstance(auth, dict):
            return auth
        known = {} if self._offset is None else {"offset": parsed(self._offset, "an offset")}
        return {"pid": self.pid, **known, **(auth or {})}


def ids_in(connect: bytes) -> tuple[str, str | None]:
    """The sid and the pid that the payload of a CONNECT packet names; raises `WireError`."""
    fields = parsed(connect, "CONNECT")
    sid, pid = (fields.get("sid"), fields.get("pid")) if isinstance(fields, dict) else (None, None)
    if not isinstance(sid, str):
        raise WireError(f"CONNECT names no sid: {connect[:100]!r}")
    if len(sid) > MAX_SID:
        raise WireError(f"CONNECT names a sid of {len(sid)} characters")
    return sid, pid if isinstance(pid, str) and 0 < len(pid) <= MAX_SID else None
