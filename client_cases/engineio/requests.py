"""Engine.IO protocol, sections "Request path" and "Query parameters": what every request says."""

from sockproof.clients import TRANSPORTS, Failure, case


async def some_traffic(client, transport):
    """Requests of all the kinds that a transport has."""
    client.setup(transport)
    session = await client.settled()
    session.emit("message", b"octets")
    await session.expect_event("message-back", b"octets")
    await session.fence()


@case("client-eio-request-path", over={"transport": TRANSPORTS})
async def requests_are_made_to_the_path_that_was_given(client, transport):
    await some_traffic(client, transport)
    for visit in client.visits:
        if visit.arrival.path != client.path:
            raise Failure(f"requests to {client.path}", visit.request)


@case("client-eio-request-version", over={"transport": TRANSPORTS})
async def requests_say_version_4(client, transport):
    await some_traffic(client, transport)
    for visit in client.visits:
        if visit.query.get("EIO") != "4":
            raise Failure("EIO=4 in the query", visit.request)


@case("client-eio-request-transport", over={"transport": TRANSPORTS})
async def requests_name_their_transport(client, transport):
    await some_traffic(client, transport)
    for visit in client.visits:
        wanted = "websocket" if visit.is_upgrade else "polling"
        if visit.query.get("transport") != wanted:
            raise Failure(f"transport={wanted} in the query", visit.request)


@case("client-eio-request-other", over={"transport": TRANSPORTS})
async def further_parameters_of_the_query_are_the_clients_own(client, transport):
    await some_traffic(client, transport)
    names = {name for visit in client.visits for name in visit.query}
    others = sorted(names - {"EIO", "transport", "sid"})
    client.note("query parameters of its own", ", ".join(others) or "none")
