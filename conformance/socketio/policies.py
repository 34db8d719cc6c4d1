"""What the document leaves to a server: these cases say which of it is seen, and judge nothing."""

from sockproof.conformance import Target, case

TRANSPORTS = {"transport": ("websocket", "polling")}
NEEDS = {"fixture", "slow-timers"}
ANY = "an answer to what follows, or the connection closed"


@case("sio-format-main-written", needs=NEEDS, over=TRANSPORTS)
async def packet_that_names_the_main_namespace_is_read_or_not(
    target: Target, transport: str
) -> None:
    peer = await target.socketio(transport)
    came = await peer.aftermath('2/,["message","written out"]', expected=ANY)
    what = "closes the connection" if came is None else "is read" if came else "is passed over"
    target.report("main namespace", f"a packet that names it {what}")


@case("sio-format-query", needs=NEEDS, over=TRANSPORTS)
async def namespace_with_a_query_is_accepted_or_not(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    came = await peer.aftermath("0/custom?token=abc,", expected=ANY)
    seen = ", ".join(f"{each.type.name} in {each.namespace}" for each in came or ())
    what = "closes the connection" if came is None else f"brings {seen or 'nothing at once'}"
    target.report("query of a namespace", f"CONNECT to /custom?token=abc {what}")


@case("sio-event-name-number", needs=NEEDS, over=TRANSPORTS)
async def event_named_by_a_number_is_taken_or_not(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    came = await peer.aftermath('2[7,"numbered"]', expected=ANY)
    what = "closes the connection" if came is None else "does not close the connection"
    target.report("number for a name", f"an event named 7 {what}")


@case("sio-packet-connect-error-received", needs=NEEDS, over=TRANSPORTS)
async def refusal_from_a_client_is_passed_over_or_not(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    came = await peer.aftermath('4{"message":"no"}', expected=ANY)
    what = "closes the connection" if came is None else "is passed over"
    target.report("CONNECT_ERROR from a client", f"it {what}")


@case("sio-ack-no-handler", needs=NEEDS, over=TRANSPORTS)
async def event_that_nobody_handles_is_acknowledged_or_not(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    came = await peer.aftermath('25["nobody-handles-this"]', expected=ANY)
    seen = "the connection closed" if came is None else ", ".join(map(str, came)) or "no answer"
    target.report("event without a handler", seen)
