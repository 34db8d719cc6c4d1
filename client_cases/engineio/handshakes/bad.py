"""Engine.IO protocol, section "Handshake": answers that open no session."""

from sockproof.clients import Failure, case

ONE_TRANSPORT = ("polling", "websocket")
FIELDS = '"upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000'
UNREADABLE = {
    "no-json": "0{sid}",
    "empty": "0",
    "list": "0[]",
    "no-sid": f"0{{{FIELDS}}}",
    "cut": f'0{{"sid":"cut",{FIELDS}',
}
OTHERS = {"message": '40{"sid":"x"}', "close": "1", "nothing": "", "unknown-type": "9"}
STATUSES = (400, 401, 403, 404, 429, 500, 503)
GOES_ON = "CONNECT to a namespace"
NO_SESSION = "no session, and a word to the application or another attempt"


async def connects_behind(client, transport, text):
    """Whether the client asks for a namespace behind this first packet, and is told nothing."""
    client.setup(transport, timeout_ms=1000)
    engine = client.open(await client.opening(), first=text)
    if await client.connects(client.socketio(engine)):
        return True
    client.expect_no_report("connect", NO_SESSION)
    return False


@case(
    "client-eio-handshake-unreadable",
    over={"packet": tuple(UNREADABLE), "transport": ONE_TRANSPORT},
)
async def open_packet_that_cannot_be_read_opens_no_session(client, packet, transport):
    if await connects_behind(client, transport, UNREADABLE[packet]):
        if packet != "no-sid" or transport != "websocket":
            raise Failure(NO_SESSION, GOES_ON)
        client.context.non_strict(NO_SESSION, GOES_ON)  # a WebSocket can do without


@case(
    "client-eio-handshake-other-first", over={"packet": tuple(OTHERS), "transport": ONE_TRANSPORT}
)
async def another_packet_in_the_place_of_open_opens_no_session(client, packet, transport):
    if await connects_behind(client, transport, OTHERS[packet]):
        raise Failure(NO_SESSION, GOES_ON)


@case("client-eio-handshake-refused", over={"status": STATUSES, "transport": ONE_TRANSPORT})
async def handshake_that_is_refused_opens_no_session(client, status, transport):
    client.setup(transport, timeout_ms=1000)
    visit = await client.opening()
    visit.answer(status, f'0{{"sid":"refused",{FIELDS}}}'.encode())  # the status is what counts
    await client.fails_to_connect(NO_SESSION)
    for further in client.visits:
        if further.query.get("sid"):
            raise Failure("no request of a session that was refused", further.request)


@case("client-eio-handshake-cut", over={"end": ("fin", "rst"), "transport": ONE_TRANSPORT})
async def handshake_that_is_cut_off_opens_no_session(client, end, transport):
    client.setup(transport, timeout_ms=1000)
    visit = await client.opening()
    if end == "fin":
        visit.end()
    else:
        visit.reset()
    await client.fails_to_connect(NO_SESSION)


@case("client-eio-handshake-cut", over={"transport": ONE_TRANSPORT})
async def handshake_that_is_cut_off_within_its_answer_opens_no_session(client, transport):
    client.setup(transport, timeout_ms=1000)
    visit = await client.opening()
    if visit.is_upgrade:
        visit.answer_octets(b"HTTP/1.1 101 Switching Pro", "the beginning of a 101", more=True)
    else:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 90\r\n\r\n"
        visit.answer_octets(head + b'0{"sid":"cut"', "the beginning of an answer", more=True)
    visit.end()
    await client.fails_to_connect(NO_SESSION)
