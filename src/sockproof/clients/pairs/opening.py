"""The opening handshake of a pair: the client's own request, and the server's own response.

The rules that hold here:

* Of the request only the target, Host and Origin are changed, and become the server's; all else
  reaches it octet for octet, and its response the client. Which origins are let in is a policy of
  applications: a page is taken for one of the server's own.
* Where the response is one that a client has to accept, whoever does not go on is the client.
"""

from __future__ import annotations

import re

from sockproof.clients.pairs.server import PairServer
from sockproof.clients.peers.websocket import WebSocketVisitor
from sockproof.conformance.context.outcome import Failure, StreamClosed
from sockproof.conformance.peers.stream import Stream
from sockproof.conformance.peers.upgrade_response import agreed_deflate, check_upgrade
from sockproof.wire import WireError
from sockproof.wire.deflate import NAME, Extension, Parameters, parse_extensions
from sockproof.wire.http import HeadReader, Response, parse_response_head

OPENS = "pair-server-opens"
_HOST = re.compile(rb"(?im)^(host:[ \t]*)[^\r\n]*")
_ORIGIN = re.compile(rb"(?im)^(origin:[ \t]*)[^\r\n]*")


def for_server(head: bytes, server: PairServer, path: str) -> bytes:
    """The client's request, but for the target, Host and Origin, which are the server's."""
    line, end, fields = head.partition(b"\r\n")
    method, _, rest = line.partition(b" ")
    version = rest.rpartition(b" ")[2]
    host = server.authority.encode()
    fields = _HOST.sub(lambda found: found[1] + host, fields, count=1)
    fields = _ORIGIN.sub(lambda found: found[1] + b"http://" + host, fields, count=1)
    return b" ".join((method, path.encode(), version)) + end + fields


async def read_head(stream: Stream) -> tuple[bytes, Response, bytes]:
    """The head of a response as it came, what it says, and the octets behind it.

    Raises `StreamClosed` and `WireError`.
    """
    reader, octets = HeadReader(), b""
    while True:
        data = await stream.read()
        octets += data
        found = reader.feed(data)
        if found is not None:
            lines, wrong, rest = found
            return octets[: len(octets) - len(rest)], parse_response_head(lines, wrong), rest


async def read_response(stream: Stream) -> tuple[bytes, Response, bytes]:
    """The same, of the opening handshake; a failure of the server's where there is none."""
    wanted = "from the server: an answer to the opening handshake"
    try:
        return await read_head(stream)
    except StreamClosed as closed:
        raise accused(Failure(wanted, closed.how, came=closed), OPENS) from None
    except WireError as error:
        raise accused(Failure(wanted, str(error)), OPENS) from None


def accused(failure: Failure, broken: str) -> Failure:
    """The failure, with the requirement that it accuses unless it names one."""
    failure.broken = failure.broken or broken
    return failure


def check_response(client: WebSocketVisitor, response: Response) -> Parameters | None:
    """What was agreed on for permessage-deflate; raises `Failure` that says who is at fault.

    Who is, where the server opens no connection, is not decided: it may be right to refuse.
    """
    if response.status != 101:
        raise Failure("101 Switching Protocols", response, came=response)
    try:
        check_upgrade(client.request, response)
    except Failure as failure:
        raise accused(failure, OPENS) from None
    try:
        agreed = agreed_deflate(response)
    except Failure as failure:
        raise accused(failure, "pair-server-negotiates") from None
    if agreed is not None:
        answer = next(
            each
            for each in parse_extensions(response.get("Sec-WebSocket-Extensions") or "")
            if each.name == NAME
        )
        if not any(_answers(answer, offer) for offer in client.offers):
            offered = client.request.get("Sec-WebSocket-Extensions")
            wanted = f"from the server: what answers {offered!r}"
            got = response.get("Sec-WebSocket-Extensions")
            raise accused(Failure(wanted, got, came=response), "pair-server-negotiates")
    _check_protocol(client, response)
    return agreed


def _answers(answer: Extension, offer: Extension) -> bool:
    """Whether the response's parameters may answer the offer (RFC 7692, 7.1)."""
    told, asked = dict(answer.parameters), dict(offer.parameters)
    name = "server_no_context_takeover"
    if name in asked and name not in told:
        return False
    name = "client_max_window_bits"
    if name in told and name not in asked:
        return False
    name = "server_max_window_bits"
    if name in asked and name not in told:
        return False
    bounded = ("server_max_window_bits", "client_max_window_bits")
    return all(
        int(told[name] or 15) <= int(asked[name] or 15)
        for name in bounded
        if name in told and name in asked
    )


def _check_protocol(client: WebSocketVisitor, response: Response) -> None:
    chosen = response.get("Sec-WebSocket-Protocol")
    if chosen is not None and chosen not in client.subprotocols:
        offered = ", ".join(client.subprotocols)
        wanted = f"from the server: one of the subprotocols {offered}"
        raise accused(Failure(wanted, chosen, came=response), OPENS)
