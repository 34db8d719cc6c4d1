"""Engine.IO protocol, section "Handshake", from the client's side."""

import json

from sockproof.clients import TRANSPORTS, Failure, case

ONE_TRANSPORT = ("polling", "websocket")
WITH_POLLING = ("polling", "upgrade")
SIDS = {"base64": "A-b_C0==", "reserved": "a&b#c%20d e"}


def opened(sid, **fields):
    """The text of an OPEN packet with these fields."""
    usual = {"upgrades": [], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 1000000}
    return "0" + json.dumps({"sid": sid, **usual, **fields})


@case("client-eio-handshake-get", over={"transport": TRANSPORTS})
async def session_is_opened_by_a_get(client, transport):
    client.setup(transport)
    visit = await client.opening()
    if visit.request.method != "GET":
        raise Failure("a GET that opens a session", visit.request)
    client.open(visit)


@case("client-eio-handshake-get", over={"transport": ONE_TRANSPORT})
async def session_is_opened_over_the_transport_that_was_chosen(client, transport):
    client.setup(transport)
    visit = await client.opening()
    if visit.is_upgrade != (transport == "websocket"):
        raise Failure(f"a handshake for {transport}", visit.request)
    client.open(visit)


@case("client-eio-handshake-no-sid", over={"transport": TRANSPORTS})
async def request_that_opens_a_session_names_none(client, transport):
    client.setup(transport)
    visit = await client.opening()
    if "sid" in visit.query:
        raise Failure("an opening request without sid", visit.request)
    client.open(visit)


@case("client-eio-handshake-sid", over={"transport": WITH_POLLING})
async def requests_behind_the_handshake_carry_its_sid(client, transport):
    client.setup(transport)
    engine = await client.engine()
    client.expect_polling(engine)
    await client.until("a further request", lambda: len(client.visits) >= 2)
    _expect_sid(client, engine.sid)
    await client.socketio(engine).connected(["/"])
    _expect_sid(client, engine.sid)


@case("client-eio-handshake-sid-opaque", over={"sid": tuple(SIDS)})
async def sid_comes_back_unchanged_whatever_its_characters(client, sid):
    client.setup("polling")
    engine = await client.engine(sid=SIDS[sid])
    await client.until("a further request", lambda: len(client.visits) >= 2)
    _expect_sid(client, engine.sid)


def _expect_sid(client, sid):
    for visit in client.visits[1:]:
        if visit.query.get("sid") != sid:
            raise Failure(f"sid={sid} in the query", visit.request)


@case("client-eio-handshake-unknown-fields", over={"transport": ONE_TRANSPORT})
async def unknown_fields_and_their_order_do_not_matter(client, transport):
    client.setup(transport)
    text = opened("backwards", extra={"sid": ["none"]}, more=None)
    text = "0" + json.dumps(dict(reversed(json.loads(text[1:]).items())), indent=1)
    session = await client.settled(judged=True, sid="backwards", first=text)
    await session.fence()


@case("client-eio-handshake-older", over={"transport": ONE_TRANSPORT})
async def open_packet_without_max_payload_is_accepted_or_refused(client, transport):
    client.setup(transport, timeout_ms=1000)
    text = '0{"sid":"older","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
    engine = await client.engine(sid="older", first=text, max_payload=None)
    session = client.socketio(engine)
    if await client.connects(session):
        client.note("an OPEN packet without maxPayload", "accepted")
    else:
        client.note("an OPEN packet without maxPayload", "refused")
