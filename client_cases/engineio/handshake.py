"""Engine.IO protocol, section "Handshake", from the client's side."""

from sockproof.clients import TRANSPORTS, Failure, case


@case("client-eio-handshake-sid", over={"transport": TRANSPORTS})
async def requests_behind_the_handshake_carry_its_sid(client, transport):
    client.setup(transport)
    session = await client.session()
    await session.fence()
    await client.seen("connect", "/")


@case("client-eio-handshake-no-sid", over={"transport": TRANSPORTS})
async def request_that_opens_a_session_names_none(client, transport):
    client.setup(transport)
    visit = await client.opening()
    if "sid" in visit.query:
        raise Failure("an opening request without sid", visit.request)
    client.open(visit)
