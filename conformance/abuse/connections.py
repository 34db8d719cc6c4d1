"""RFC 6455, sections 7.2 and 10.4: many connections that are opened and not used."""

import asyncio

from sockproof.conformance import Failure, Inconclusive, Target, case, still_serves

MANY = 200
OPENS = 2.0  # seconds in which a handshake is answered


@case("rfc6455-10.4-half-open", exclusive=True, limit=30)
async def connections_that_never_speak_do_not_hinder_others(target: Target) -> None:
    for _ in range(MANY):
        await target.http()
    await still_serves(target)


@case("rfc6455-10.4-half-open", exclusive=True, limit=30)
async def connections_left_idle_after_the_handshake_do_not_hinder_others(target: Target) -> None:
    for number in range(1, MANY + 1):
        try:
            async with asyncio.timeout(OPENS):
                await target.connect()
        except (TimeoutError, Inconclusive) as error:
            wanted = f"{MANY} idle connections, and others served beside them"
            raise Failure(wanted, f"connection {number} could not be opened") from error
    await still_serves(target)


@case("rfc6455-10.4-idle", exclusive=True, limit=90)
async def idle_connection_is_kept_probed_or_closed(target: Target) -> None:
    peers = [await target.connect() for _ in range(20)]
    seconds = target.rounds(1, 60)
    await asyncio.sleep(seconds)  # being idle is what is tested
    kept = [await peer.goes_on() for peer in peers]
    what = "kept" if all(kept) else "closed" if not any(kept) else "some kept, some closed"
    target.report("connections idle for a while", f"after {seconds} s {what}")
    await still_serves(target)
