"""RFC 6455, sections 4.2 and 10.4: opening handshakes that are never completed.

This suite runs only where it is asked for. Each case is bounded in time, connections and octets.
"""

import asyncio

from sockproof.conformance import Failure, HttpPeer, StreamClosed, Target, case, still_serves

CLIENTS = 50
PACE = 0.01  # seconds between the octets of a slow request
FIELD = b"X-Endless: " + b"e" * 1000 + b"\r\n"
FIELDS = 8000  # of about a kilobyte: far more than any request has


@case("rfc6455-10.4-slow-request", exclusive=True, limit=90)
async def slow_requests_do_not_hinder_others(target: Target) -> None:
    clients = [await target.http() for _ in range(CLIENTS)]
    for octets in _single_octets(target):
        for client in clients:
            client.send_octets(octets, "one octet of a request")
        await asyncio.sleep(PACE)
    await still_serves(target)
    await _report_patience(target, clients[0])


def _single_octets(target: Target) -> list[bytes]:
    """The first 40 octets of a request."""
    return [bytes([octet]) for octet in target.upgrade_request().encode()[:40]]


async def _report_patience(target: Target, client: HttpPeer) -> None:
    """Whether the server ends the request that does not end; RFC 6455 names no time for that."""
    seconds = target.rounds(1, 40)
    try:
        async with asyncio.timeout(seconds):
            response = await client.response_or_end("an end of the slow request")
    except TimeoutError:
        target.report("a request that never ends", f"still waited for after {seconds} s")
        return
    how = "closed" if response is None else f"refused with {response.status}"
    target.report("a request that never ends", f"{how} within {seconds} s")


@case("rfc6455-10.4-endless-head", exclusive=True, limit=30)
async def endless_head_is_cut_off(target: Target) -> None:
    client = await target.http()
    request = target.upgrade_request().encode()
    client.send_octets(request[:-2], "a request without its empty line")
    wanted = "a head without end refused"
    taken = await client.stream.pour(FIELD * 10, FIELDS // 10)
    if taken == FIELDS // 10 and await _is_still_read(client):
        octets = taken * len(FIELD) * 10
        target.non_strict(wanted, f"{octets} octets of header fields are read, and more awaited")
    await still_serves(target)


async def _is_still_read(client: HttpPeer) -> bool:
    try:
        async with asyncio.timeout(1):
            await client.response_or_end("a refusal")
    except TimeoutError:
        return True
    except (Failure, StreamClosed):
        return False
    return False
