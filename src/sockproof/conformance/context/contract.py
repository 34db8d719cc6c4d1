"""The target contract's boundary: which of a Socket.IO server's packets are an answer to us.

What goes out is dressed: each CONNECT carries the user's credentials, each operation the token,
and what an operation emits the mark of this case. What comes in is undressed again. An event that
is neither the contract's nor ours by its mark is the application's own affair, to be passed over;
one with the mark of another case that was not meant for us is a leak.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import Overheard, Unsupported
from sockproof.conformance.context.policy import NO_OCTETS, closed
from sockproof.wire.socketio import Packet, PacketType

EVENTS = (PacketType.EVENT, PacketType.BINARY_EVENT)
MOST_BEHIND = 3  # events behind a DISCONNECT that are kept
SENT_EVENT = "message"  # what the operation `send` emits; the application may emit it as well
_OFFSET = re.compile(r',"[^"\\]{1,100}"\]$')  # of connection state recovery, at an event's end


class Contract:
    """What one peer has asked for, and what of it comes."""

    def __init__(self, context: CaseContext, auth: Any, token: str | None, greets: bool) -> None:
        self.context = context
        self.auth = auth
        self.token = token
        self.greets = greets  # whether the event `auth` follows each CONNECT
        self.joined: set[str] = set()  # namespaces, as the server's packets tell
        self.asked_in: set[str] = set()  # namespaces whose CONNECT has not been answered
        self.put_out: dict[str, list[str]] = {}  # namespaces, and events that came behind the end
        self._payloads: dict[str, Any] = {}  # of our CONNECTs
        self._recovering: set[str] = set()  # namespaces with connection state recovery

    # What goes out.

    def credentials(self, payload: Any) -> Any:
        """The CONNECT payload of a case, with the user's credentials in it."""
        if self.auth is None or payload == self.auth:
            return payload
        if payload is None:
            return self.auth
        if isinstance(payload, dict) and isinstance(self.auth, dict):
            return {**self.auth, **payload}
        raise Unsupported("a server that takes any payload of CONNECT", "it is given --auth")

    def dressed(self, packet: Packet) -> Packet:
        """The packet as it is sent; UNSUPPORTED where the application is known to refuse it."""
        policy = self.context.policy
        if packet.type in EVENTS and "refuses-binary" in policy.capabilities and packet.encode()[1]:
            raise Unsupported(*NO_OCTETS)
        if packet.type == PacketType.CONNECT:
            if policy.closes(packet.namespace):
                raise Unsupported(*closed(packet.namespace))
            payload = self.credentials(packet.data)
            self._payloads[packet.namespace] = payload
            self.asked_in.add(packet.namespace)
            return replace(packet, data=payload)
        match packet.data:
            case ["sockproof", {"op": _} as request] if packet.type in EVENTS:
                return replace(packet, data=["sockproof", self._dressed_request(packet, request)])
        return packet

    def _dressed_request(self, packet: Packet, request: dict[str, Any]) -> dict[str, Any]:
        dressed = dict(request)
        if self.token is not None:
            dressed["token"] = self.token
        match request:
            case {"op": "emit" | "call", "event": str(event)}:
                dressed["event"] = event = f"{event}-{self.context.mark}"
                args = request.get("args", [])
            case {"op": "send"}:
                event, args = SENT_EVENT, [*request.get("args", []), self.context.mark]
                dressed["args"] = args
            case _:
                return dressed
        # No rooms at all, and the one without a name, are taken for everyone by some servers:
        # that is for cases of their own.
        everyone = request["op"] != "call" and not any(request.get("to") or ())
        where = request.get("namespace", packet.namespace)
        contents = contents_of(Packet(PacketType.EVENT, where, [event, *args]))
        self.context.company.said(self.context.case, contents, where if everyone else None)
        return dressed

    def events(self, event: str, args: tuple[Any, ...]) -> list[Any]:
        """What an event of the contract holds by the time it is undressed."""
        if event != "auth" or not args:
            return [event, *args]
        payload = self.credentials(args[0] or None)
        return [event, {} if payload is None else payload]

    # What comes in.

    def undressed(self, packet: Packet) -> Packet:
        """The packet without what the contract's boundary adds; what it tells is remembered."""
        if packet.type in (PacketType.CONNECT, PacketType.CONNECT_ERROR):
            self.asked_in.discard(packet.namespace)
        if packet.type == PacketType.CONNECT:
            self.joined.add(packet.namespace)
            self.put_out.pop(packet.namespace, None)
            if isinstance(packet.data, dict) and isinstance(packet.data.get("pid"), str):
                self._recovering.add(packet.namespace)
        if packet.type == PacketType.DISCONNECT:
            self.joined.discard(packet.namespace)
            self.put_out.setdefault(packet.namespace, [])
        if packet.type not in EVENTS:
            return packet
        behind = self.put_out.get(packet.namespace)
        if behind is not None and len(behind) < MOST_BEHIND:
            behind.append(f"{packet!s:.200}")
        data = list(packet.data)
        recovers = packet.namespace in self._recovering and packet.id is None
        if recovers and len(data) > 1 and isinstance(data[-1], str):
            data.pop()
        if isinstance(data[0], str):
            data[0] = data[0].removesuffix(f"-{self.context.mark}")
        if data[0] == SENT_EVENT and data[-1] == self.context.mark:
            data.pop()
        return replace(packet, data=data)

    def undressed_text(self, text: str, packet: Packet) -> str:
        """The same for a packet that is looked at as it is written."""
        if packet.type in EVENTS and packet.id is None and packet.namespace in self._recovering:
            text = _OFFSET.sub("]", text)
        return text.replace(f"-{self.context.mark}", "", 1)

    def is_unasked(self, packet: Packet) -> bool:
        """Whether the packet, as it came, is an event that the application sent by itself.

        A leak is a Failure here, unless the run has a case that tells of leaks.
        """
        if packet.type not in EVENTS or packet.data[0] == "message-back":
            return False
        contents = contents_of(packet)
        if self.context.mark in contents:
            return False
        if packet.data[0] == "auth" and self.greets:
            payload = self._payloads.get(packet.namespace)
            if packet.data[1:2] == [{} if payload is None else payload]:
                return False
        self._look_for_leaks(packet, contents)
        return True

    def _look_for_leaks(self, packet: Packet, contents: str) -> None:
        company = self.context.company
        saying = company.whose(contents)
        # Who has asked to be let in may hear what is said to all before the answer comes.
        there = packet.namespace in self.joined | self.asked_in
        audience = packet.namespace if there else None
        if saying is None or saying.is_meant_for(self.context.case, audience):
            self.context.passed_over(f"the event {packet.data[0]!r:.60} in {packet.namespace}")
            return
        leak = company.leaked(saying, self.context.case, contents)
        if not company.is_told:
            raise Overheard("no event that was said to others", str(leak))


def contents_of(packet: Packet) -> str:
    """An event's namespace, name and arguments as text."""
    data = json.dumps(packet.data, ensure_ascii=False, default=bytes.hex)
    return f"{packet.namespace} {data}"
