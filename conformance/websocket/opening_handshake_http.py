"""RFC 6455, sections 3, 4.1 and 4.2.1: the opening handshake as an HTTP request."""

from dataclasses import replace

from sockproof.conformance import (
    UNANSWERED,
    Failure,
    Opcode,
    Unsupported,
    case,
    check_upgrade,
    ordinary_handshake,
    text_frame,
)

METHODS = ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "GETS"]
BROWSERS = {
    "cookie": [("Cookie", "sid=31d4d96e407aad42; lang=en-US")],
    "caching": [("Cache-Control", "no-cache"), ("Pragma", "no-cache")],
    "negotiation": [
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("Accept", "*/*"),
        ("Accept-Language", "en-US,en;q=0.5"),
        ("Accept-Encoding", "gzip, deflate, br"),
    ],
    "fetch metadata": [("Sec-Fetch-Dest", "websocket"), ("Sec-Fetch-Mode", "websocket")],
    "empty value": [("X-Empty", "")],
    "underscore": [("x_empty_", "1")],
}
NO_URI = (400, 401, 403, 404)  # who reads on may miss a token at its end, or such a resource
ODD_NAMES = ["", "X@Y", "X/Y", "X[0]"]
NUMBER_SIGNS = ["", "?a=1#fragment"]
QUERIES = ["?", "?a=?b=/", "??", "?%3F=%26&a=1&a=2"]
BAD_HOSTS = ["two words", "localhost:port", "user@host", "host/path"]
BAD_LENGTHS = ["abc", "-1", "3 and 4", "4 and 0"]
FIELDS = ["X-Unknown", "Sec-WebSocket-Version"]
BESIDE = ["an origin", "an absolute target"]
BLANKS = {"none": "", "two": "  ", "tab": " \t"}
BAD_LINES = {
    "no version": "GET {}",
    "two targets": "GET {} / HTTP/1.1",
    "no HTTP": "GET {} HTPT/1.1",
    "version in words": "GET {} HTTP/one.one",
    "lower case": "GET {} http/1.1",
}


@case("rfc6455-4.2.1-method", over={"method": METHODS}, control=ordinary_handshake)
async def method_other_than_get_is_refused(target, method):
    # Upgrade may be ignored (RFC 9110, 7.8), so an ordinary answer to the method is right as well.
    await _opens_nothing(target, replace(target.upgrade_request(), method=method), 405, 400, 501)


@case("rfc6455-4.2.1-method", control=ordinary_handshake)
async def get_in_lower_case_is_another_method(target):
    await _opens_nothing(target, replace(target.upgrade_request(), method="get"), 405, 400, 501)


@case("rfc6455-4.2.1-http-version", control=ordinary_handshake)
async def http_1_0_is_refused(target):
    await _opens_nothing(target, replace(target.upgrade_request(), version="HTTP/1.0"), 505, 426)


@case("rfc6455-4.2.1-http-version", control=ordinary_handshake)
async def http_0_9_is_refused(target):
    await _opens_nothing(target, replace(target.upgrade_request(), version="HTTP/0.9"), 505, 426)


@case("rfc6455-4.2.1-http-version-major", control=ordinary_handshake)
async def http_2_0_in_the_request_line_is_refused(target):
    await _best_refused(target, replace(target.upgrade_request(), version="HTTP/2.0"), 505)


@case("rfc6455-4.2.1-http-version-major", control=ordinary_handshake)
async def http_3_0_in_the_request_line_is_refused(target):
    await _best_refused(target, replace(target.upgrade_request(), version="HTTP/3.0"), 505)


@case("rfc6455-4.2.1-http-version-minor", control=ordinary_handshake)
async def http_1_2_is_served_as_http_1_1(target):
    await _best_accepted(target, replace(target.upgrade_request(), version="HTTP/1.2"))


@case("rfc6455-4.2.1-http-version-minor", control=ordinary_handshake)
async def http_1_9_is_served_as_http_1_1(target):
    await _best_accepted(target, replace(target.upgrade_request(), version="HTTP/1.9"))


@case("rfc6455-4.1-valid-http", over={"line": list(BAD_LINES)}, control=ordinary_handshake)
async def request_line_that_breaks_the_grammar_opens_nothing(target, line):
    request = target.upgrade_request()
    octets = request.encode()
    wrong = BAD_LINES[line].format(request.target).encode()
    peer = await target.http()
    peer.send_octets(wrong + octets[octets.index(b"\r\n") :], f"{wrong.decode()}  and fields")
    await peer.expect_refused(400, 405, 414, 501, 505)


@case("rfc6455-4.2.1-host-missing", control=ordinary_handshake)
async def host_missing_is_refused(target):
    peer = await target.http()
    await peer.refused(target.upgrade_request().without("Host"), 400)


@case("rfc6455-4.2.1-host-missing", over={"beside": BESIDE}, control=ordinary_handshake)
async def nothing_makes_up_for_a_missing_host(target, beside):
    request = target.upgrade_request().without("Host")
    if beside == "an origin":
        if request.get("Origin") is None:  # none that the user gave
            request = request.adding("Origin", f"http://{target.address.authority}")
    else:
        scheme, authority = "https" if target.address.tls else "http", target.address.authority
        request = replace(request, target=f"{scheme}://{authority}{request.target}")
    peer = await target.http()
    await peer.refused(request, 400, 403)


@case("rfc6455-4.2.1-host-twice", over={"second": ["same", "other"]}, control=ordinary_handshake)
async def host_twice_is_refused(target, second):
    host = target.address.authority if second == "same" else "elsewhere.example"
    peer = await target.http()
    await peer.refused(target.upgrade_request().adding("Host", host), 400)


@case("rfc6455-4.2.1-host-invalid", over={"host": BAD_HOSTS}, control=ordinary_handshake)
async def host_that_is_no_host_is_refused(target, host):
    await _refused_by_http(target, target.upgrade_request().having("Host", host))


@case("rfc6455-4.1-name-case", over={"letters": ["lower", "upper"]}, control=ordinary_handshake)
async def field_names_are_matched_in_any_case(target, letters):
    request = target.upgrade_request()
    fields = tuple((getattr(name, letters)(), value) for name, value in request.headers)
    await target.handshake(replace(request, headers=fields))


@case("rfc6455-4.2.1-field-order", control=ordinary_handshake)
async def order_of_the_fields_does_not_matter(target):
    request = target.upgrade_request()
    await target.handshake(replace(request, headers=request.headers[::-1]))


@case("rfc6455-4.1-name-case", over={"letters": ["lower", "upper"]})
async def names_of_the_lists_are_matched_in_any_case(target, letters):
    known = ["proof.v1"] if "subprotocols" in target.capabilities else None
    request = target.upgrade_request(protocols=known, extensions="permessage-deflate")
    fields = tuple((getattr(name, letters)(), value) for name, value in request.headers)
    with target.preparing("101 to the same request in the usual letters"):
        usual = await (await target.http()).ask(request, "101 Switching Protocols", body=False)
        check_upgrade(request, usual)
    wanted = _agreed(usual)
    response = await (await target.http()).ask(replace(request, headers=fields), body=False)
    if _agreed(response) != wanted:
        raise Failure(f"as with the names' usual letters: {wanted}", _agreed(response))


def _agreed(response):
    fields = ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions")
    return ", ".join([f"{response.status}", *(f"{name}: {response.get(name)}" for name in fields)])


@case("rfc6455-4.2.1-field-whitespace", over={"blanks": list(BLANKS)}, control=ordinary_handshake)
async def blanks_around_a_value_are_no_part_of_it(target, blanks):
    request = target.upgrade_request()
    octets = request.encode()
    for name, value in request.headers:
        if name != "Sec-WebSocket-Key":
            behind = BLANKS[blanks] if name != "Host" else ""
            line = f"{name}:{BLANKS[blanks]}{value}{behind}"
            octets = octets.replace(f"{name}: {value}".encode(), line.encode())
    peer = await target.http()
    peer.send_octets(octets, f"{request}  with {blanks} blanks around the values")
    check_upgrade(request, await peer.response("101 Switching Protocols"))


@case("rfc6455-4.2.1-unknown-fields", control=ordinary_handshake)
async def unknown_field_is_ignored(target):
    await target.handshake(target.upgrade_request(headers=[("X-Sockproof", "unknown; a=1, b")]))


@case("rfc6455-4.2.1-unknown-fields", over={"fields": list(BROWSERS)}, control=ordinary_handshake)
async def fields_that_browsers_add_are_no_obstacle(target, fields):
    await target.handshake(target.upgrade_request(headers=BROWSERS[fields]))


@case("rfc6455-4.2.1-long-field", control=ordinary_handshake)
async def sixty_fields_are_accepted(target):
    more = [(f"X-Field-{number}", "a value") for number in range(55)]
    await _accepted_within_limits(target, _behind_host(target.upgrade_request(), more))


@case("rfc6455-4.2.1-long-field", control=ordinary_handshake)
async def field_line_of_4096_octets_is_accepted(target):
    more = [("X-Long", "x" * (4096 - len("X-Long: \r\n")))]
    await _accepted_within_limits(target, _behind_host(target.upgrade_request(), more))


@case("rfc6455-4.2.1-long-field", control=ordinary_handshake)
async def request_line_of_8000_octets_is_accepted(target):
    request = target.upgrade_request()
    mark = "&" if "?" in request.target else "?"
    line = len(f"GET {request.target}{mark}pad= HTTP/1.1\r\n")
    padding = "x" * (8000 - line)
    request = replace(request, target=f"{request.target}{mark}pad={padding}")
    await _accepted_within_limits(target, request)


def _behind_host(request, more):
    """More fields, with those that matter last, where a server might read no more."""
    host, *others = request.headers
    return replace(request, headers=(host, *more, *others))


async def _accepted_within_limits(target, request):
    limit = target.limit("max_header_octets")
    peer = await target.http()
    if limit is not None and len(request.encode()) > limit:
        await peer.refused(request, 431, 414, 400)
        return
    wanted = "101, as the head is not large"
    response = await peer.ask(request, wanted)
    recommended = len(request.encode()) > 8000  # RFC 9112, 3, and no more than that
    _knows_the_resource(target, request, response)
    if response.status in (414, 431) or (recommended and 400 <= response.status < 500):
        target.non_strict(wanted, response)
    else:
        check_upgrade(request, response)


@case("rfc6455-4.2.1-header-too-large", exclusive=True, control=ordinary_handshake)
async def head_of_one_mebibyte_is_answered_or_cut_off(target):
    peer = await target.http()
    peer.send(target.upgrade_request(headers=[("X-Long", "x" * 1024 * 1024)]))
    wanted = "a 4xx status, a 101, or the end of the connection"
    response = await peer.response_or_end(wanted)
    if response is not None and response.status != 101 and response.status < 400:
        raise Failure(wanted, response)


@case("rfc6455-3-query-kept", control=ordinary_handshake)
async def request_target_with_a_query_is_understood(target):
    await _understood(target, "?room=1&name=%C3%A9&empty=&flag")


@case("rfc6455-3-query-kept", over={"query": QUERIES}, control=ordinary_handshake)
async def any_query_is_understood(target, query):
    await _understood(target, query)


async def _understood(target, query):
    request = target.upgrade_request(f"{target.address.path}{query}")
    response = await (await target.http()).ask(request, "101 Switching Protocols", body=False)
    _knows_the_resource(target, request, response)
    check_upgrade(request, response)


def _knows_the_resource(target, request, response):
    """The query is a part of the resource's name (3), so another one may name nothing."""
    if response.status == 404 and request.target != target.address.target:
        raise Unsupported("a server that knows this resource", str(response))


@case("rfc6455-3-fragment-in-target", over={"behind": NUMBER_SIGNS}, control=ordinary_handshake)
async def request_target_with_any_number_sign_is_refused(target, behind):
    request = target.upgrade_request()
    behind = (behind or "#").replace("?", "&" if "?" in request.target else "?")
    await _best_refused(target, replace(request, target=f"{request.target}{behind}"), *NO_URI)


@case("rfc6455-3-fragment-in-target", control=ordinary_handshake)
async def request_target_with_a_fragment_is_refused(target):
    request = target.upgrade_request()
    await _best_refused(target, replace(request, target=f"{request.target}#fragment"), *NO_URI)


@case("rfc6455-4.2.1-target-absolute-form", control=ordinary_handshake)
async def request_target_in_absolute_form_is_accepted(target):
    request = target.upgrade_request()
    scheme = "https" if target.address.tls else "http"
    absolute = f"{scheme}://{target.address.authority}{request.target}"
    await target.handshake(replace(request, target=absolute))


@case("rfc6455-4.2.1-bare-lf")
async def lines_that_end_in_lf_alone_are_accepted_or_refused(target):
    peer = await target.http()
    peer.send(replace(target.upgrade_request(), line_end=b"\n"))
    peer.send_octets(b"\r\n\r\n", "an empty line, for a server that waits for CRLF")
    await peer.response_or_end("101 or a refusal")


@case("rfc6455-4.2.1-leading-empty-line", control=ordinary_handshake)
async def empty_line_before_the_request_line_is_ignored(target):
    await _best_accepted(target, target.upgrade_request(), b"\r\n")


@case("rfc6455-4.2.1-blank-before-colon", over={"field": FIELDS}, control=ordinary_handshake)
async def blank_between_field_name_and_colon_is_refused(target, field):
    request = target.upgrade_request(headers=[("X-Unknown", "1")])
    fields = tuple((name + " " * (name == field), value) for name, value in request.headers)
    await _refused_by_http(target, replace(request, headers=fields))


@case("rfc6455-4.2.1-blank-before-colon", control=ordinary_handshake)
async def tab_between_field_name_and_colon_is_refused(target):
    await _refused_by_http(target, target.upgrade_request(headers=[("X-Unknown\t", "1")]))


@case("rfc6455-4.2.1-field-name-grammar", over={"name": ODD_NAMES}, control=ordinary_handshake)
async def other_field_name_that_is_no_token_is_refused(target, name):
    await _refused_by_http(target, target.upgrade_request(headers=[(name, "1")]))


@case("rfc6455-4.2.1-field-name-grammar", control=ordinary_handshake)
async def field_name_that_is_no_token_is_refused(target):
    await _refused_by_http(target, target.upgrade_request(headers=[("X(comment)", "1")]))


@case("rfc6455-4.2.1-field-name-grammar", control=ordinary_handshake)
async def field_line_without_a_colon_is_refused(target):
    request = target.upgrade_request()
    octets = request.encode().replace(b"\r\n", b"\r\nno colon here\r\n", 1)
    peer = await target.http()
    peer.send_octets(octets, f"{request}  with a line 'no colon here'")
    await _refusal_by_http(target, peer)


@case(
    "rfc6455-4.2.1-invalid-content-length",
    over={"lengths": BAD_LENGTHS},
    control=ordinary_handshake,
)
async def invalid_content_length_is_refused(target, lengths):
    fields = [("Content-Length", length) for length in lengths.split(" and ")]
    await _refused_by_http(target, target.upgrade_request(headers=fields))


@case("rfc6455-4.2.1-request-body", needs={"echo"}, over={"text": ["smuggled", "s"]})
async def body_of_the_request_is_never_taken_for_frames(target, text):
    body = text_frame(text).encode()
    request = target.upgrade_request(headers=[("Content-Length", str(len(body)))])
    peer = await target.http()
    peer.send(replace(request, body=body))
    wanted = "a refusal, or 101 and the body ignored"
    response = await peer.response_or_end(wanted)
    if response is None:
        target.non_strict(wanted, UNANSWERED)
    elif response.status == 101:
        socket = peer.upgraded(response)
        socket.remember(body)
        socket.send(text_frame("the first frame"))
        with target.awaits("an echo of 'the first frame'"):
            while (got := await socket.receive_answer()).payload != b"the first frame":
                if got.opcode == Opcode.CLOSE or got.payload == text.encode():
                    raise Failure(wanted, got)


async def _refused_by_http(target, request):
    """HTTP demands 400; RFC 6455 alone does not, and so a 101 is NON_STRICT."""
    peer = await target.http()
    peer.send(request)
    await _refusal_by_http(target, peer)


async def _refusal_by_http(target, peer):
    wanted = "refused with 400, as HTTP demands"
    response = await peer.response_or_end(wanted)
    if response is None or response.status != 400:
        target.non_strict(wanted, response or UNANSWERED)


async def _opens_nothing(target, request, *statuses):
    """The request gets anything but 101; one of the statuses, or 400, is best."""
    response = await (await target.http()).not_upgraded(request)
    if response is not None and response.status not in (*statuses, 400):
        target.non_strict(f"refused with {statuses[0]}", response)


async def _best_refused(target, request, *statuses):
    """A refusal is advised (SHOULD), and so a 101 is NON_STRICT."""
    peer = await target.http()
    wanted = f"refused with {statuses[0]}"
    peer.send(request)
    response = await peer.response_or_end(wanted)
    if response is None or response.status not in (*statuses, 400):
        target.non_strict(wanted, response or UNANSWERED)


async def _best_accepted(target, request, before=b""):
    """A 101 is advised (SHOULD), and so a refusal is NON_STRICT; no answer at all is a Failure."""
    peer = await target.http()
    wanted = "101 Switching Protocols"
    if before:
        peer.send_octets(before, f"{before!r}")
    peer.send(request)
    response = await peer.response_or_end(wanted)
    if response is None or response.status != 101:
        target.non_strict(wanted, response or UNANSWERED)
    else:
        check_upgrade(request, response)
