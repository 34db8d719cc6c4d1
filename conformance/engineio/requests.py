"""Engine.IO protocol, sections "Request path" and "Query parameters": long-polling requests."""

from dataclasses import replace

from sockproof.conformance import Failure, case, ordinary_session

OPEN = "EIO=4&transport=polling"
TEXT = "text/plain;charset=UTF-8"


@case("eio-request-path", needs={"polling"})
async def other_path_opens_no_session(target):
    http = await target.http()
    request = target.engineio_request("GET", OPEN)
    elsewhere = f"/{target.unique('elsewhere')}/"
    target_elsewhere = request.target.replace(target.engineio_path, elsewhere, 1)
    http.send(replace(request, target=target_elsewhere))
    await http.stream.flush()
    await target.engineio().passes()
    if not http.stream.unread:
        return  # nothing else may listen there, and so nobody answers
    response = await http.response()
    if response.status == 200 and response.body.startswith(b'0{"sid"'):
        target.non_strict("no session at a path that is not the server's", response)


@case("eio-polling-eio-missing", needs={"polling"}, control=ordinary_session)
async def request_without_eio_is_refused(target):
    await _opens_no_session_of_revision_4(target, "transport=polling")


@case("eio-polling-transport-missing", needs={"polling"}, control=ordinary_session)
async def request_without_transport_is_refused(target):
    await target.engineio().refused("GET", "EIO=4")


@case("eio-polling-sid-missing", needs={"polling"}, control=ordinary_session)
async def post_without_sid_is_refused(target):
    await target.engineio().refused("POST", OPEN, b"40", TEXT)


async def _opens_no_session_of_revision_4(target, query):
    """A GET with this query is refused; a server that speaks an older revision too may serve that.

    Its OPEN packet has the length of the packet in front of it.
    """
    wanted = "400, or a session of another revision"
    with target.awaits(wanted):
        response = await target.engineio().exchange("GET", query)
    if response.body.startswith(b"0{"):
        raise Failure(wanted, f"{response}: {response.body[:100]!r}", came=response)
    if response.status != 400:
        target.non_strict(wanted, f"{response}: {response.body[:100]!r}", came=response)


@case(
    "eio-polling-eio-invalid",
    needs={"polling"},
    over={"revision": ["abc", "4abc", ""]},
    control=ordinary_session,
)
async def request_whose_eio_is_no_number_is_refused(target, revision):
    await _opens_no_session_of_revision_4(target, f"EIO={revision}&transport=polling")


@case(
    "eio-polling-eio-other-revision",
    needs={"polling"},
    over={"revision": ["3", "99"]},
    control=ordinary_session,
)
async def request_of_another_revision_is_refused(target, revision):
    await _opens_no_session_of_revision_4(target, f"EIO={revision}&transport=polling")


@case(
    "eio-polling-transport-unknown",
    needs={"polling"},
    over={"transport": ["abc", "constructor"]},
    control=ordinary_session,
)
async def request_for_an_unknown_transport_is_refused(target, transport):
    await target.engineio().refused("GET", f"EIO=4&transport={transport}")


@case("eio-polling-parameters-unknown", needs={"polling", "message-echo"})
async def other_parameters_change_nothing(target):
    more = "&t=Pq2x&sockproof=1&b64=1"
    peer = await target.echo("polling")
    await target.engineio().open_polling(more)
    query = peer.engine.session_query + more
    response = await peer.engine.exchange("POST", query, peer.body("hello"), TEXT)
    if response.status != 200:
        raise Failure("200 to a POST", f"{response}: {response.body[:60]!r}", came=response)
    peer.engine.take(await peer.engine.exchange("GET", query))
    await peer.hear("hello")


@case(
    "eio-polling-method-unknown",
    needs={"polling"},
    over={"method": ["PUT", "DELETE"]},
    control=ordinary_session,
)
async def other_method_opens_no_session(target, method):
    response = await target.engineio().exchange(method, OPEN)
    if response.body[:2] == b"0{":
        raise Failure("no session", f"{response}: {response.body[:60]!r}", came=response)
    if not 400 <= response.status < 500:
        target.non_strict("a status from 400 to 499", response)


@case("eio-polling-jsonp", needs={"polling"})
async def request_of_the_old_jsonp_form_is_answered(target):
    await target.engineio().exchange("GET", f"{OPEN}&j=0")


@case("eio-polling-post-unknown-sid", needs={"polling"}, control=ordinary_session)
async def post_with_an_unknown_sid_is_refused(target):
    await target.engineio().refused("POST", f"{OPEN}&sid={target.unique('nobody')}", b"40", TEXT)


@case("eio-polling-get-unknown-sid", needs={"polling"}, control=ordinary_session)
async def get_with_an_unknown_sid_is_refused(target):
    await target.engineio().refused("GET", f"{OPEN}&sid={target.unique('nobody')}")
