"""Engine.IO protocol, section "Heartbeat": a server with the usual timers alone.

An idle client of the run's own has been there since its beginning, so that what is left of a ping
interval is short.
"""

from sockproof.conformance import Failure, Target, Unsupported, bystander, case

LONGEST = 30.0  # seconds that are waited for a PING, but for `--thorough`


def limit(interval: float, timeout: float) -> float:
    """Until a client gives the connection up."""
    return 5 + interval + timeout


@case(
    "eio-heartbeat-ping-sent",
    needs={"fixture", "emit", "usual-timers"},
    last=True,
    limit=limit,
)
async def idle_client_is_pinged_after_the_ping_interval(target: Target) -> None:
    idle = bystander(target, "first")
    interval, timeout = target.server.ping_interval / 1000, target.server.ping_timeout / 1000
    if interval > LONGEST and not target.server.thorough:
        wanted = f"a ping interval of at most {LONGEST:g} s"
        raise Unsupported(wanted, f"{interval:g} s, for which --thorough waits")
    passed = await idle.pinged_after(interval + timeout)
    if passed is None:
        raise Failure("a PING", f"none within {interval + timeout:g} s")
    if not interval / 2 < passed < interval * 1.5 + 1:
        target.non_strict(f"a PING after {interval:g} s", f"after {passed:.1f} s")
