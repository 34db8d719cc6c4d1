"""RFC 6455, sections 3, 4.1 and 4.2.1: the opening handshake as an HTTP request."""

from dataclasses import replace

from sockproof.conformance import Failure, case, text_frame

BAD_LINES = {
    "no version": "GET {}",
    "two targets": "GET {} / HTTP/1.1",
    "no HTTP": "GET {} HTPT/1.1",
    "version in words": "GET {} HTTP/one.one",
}


@case("rfc6455-4.2.1-method", over={"method": ["POST", "PUT", "DELETE"]})
async def method_other_than_get_is_refused(target, method):
    peer = await target.http()
    await peer.refused(replace(target.upgrade_request(), method=method), 405, 400, 501)


@case("rfc6455-4.2.1-http-version")
async def http_1_0_is_refused(target):
    peer = await target.http()
    await peer.refused(replace(target.upgrade_request(), version="HTTP/1.0"), 505, 400, 426)


@case("rfc6455-4.2.1-http-version-major")
async def http_2_0_in_the_request_line_is_refused(target):
    peer = await target.http()
    await peer.refused(replace(target.upgrade_request(), version="HTTP/2.0"), 505, 400)


@case("rfc6455-4.2.1-http-version-minor")
async def http_1_2_is_served_as_http_1_1(target):
    await target.handshake(replace(target.upgrade_request(), version="HTTP/1.2"))


@case("rfc6455-4.1-valid-http", over={"line": list(BAD_LINES)})
async def request_line_that_breaks_the_grammar_opens_nothing(target, line):
    request = target.upgrade_request()
    octets = request.encode()
    wrong = BAD_LINES[line].format(request.target).encode()
    peer = await target.http()
    peer.send_octets(wrong + octets[octets.index(b"\r\n") :], f"{wrong.decode()}  and fields")
    await peer.expect_refused(400, 405, 414, 501, 505)


@case("rfc6455-4.2.1-host-missing")
async def host_missing_is_refused(target):
    peer = await target.http()
    await peer.refused(target.upgrade_request().without("Host"), 400)


@case("rfc6455-4.2.1-host-twice", over={"second": ["same", "other"]})
async def host_twice_is_refused(target, second):
    host = target.address.authority if second == "same" else "elsewhere.example"
    peer = await target.http()
    await peer.refused(target.upgrade_request().adding("Host", host), 400)


@case("rfc6455-4.2.1-host-invalid", over={"host": ["two words", "localhost:port", "user@host"]})
async def host_that_is_no_host_is_refused(target, host):
    peer = await target.http()
    await peer.refused(target.upgrade_request().having("Host", host), 400)


@case("rfc6455-4.1-name-case", over={"letters": ["lower", "upper"]})
async def field_names_are_matched_in_any_case(target, letters):
    request = target.upgrade_request()
    fields = tuple((getattr(name, letters)(), value) for name, value in request.headers)
    await target.handshake(replace(request, headers=fields))


@case("rfc6455-4.2.1-field-order")
async def order_of_the_fields_does_not_matter(target):
    request = target.upgrade_request()
    await target.handshake(replace(request, headers=request.headers[::-1]))


@case("rfc6455-4.2.1-unknown-fields")
async def unknown_field_is_ignored(target):
    await target.handshake(target.upgrade_request(headers=[("X-Sockproof", "unknown; a=1, b")]))


@case("rfc6455-4.2.1-long-field")
async def sixty_fields_are_accepted(target):
    more = [(f"X-Field-{number}", "a value") for number in range(55)]
    await _accepted_within_limits(target, target.upgrade_request(headers=more))


@case("rfc6455-4.2.1-long-field")
async def field_line_of_4096_octets_is_accepted(target):
    more = [("X-Long", "x" * (4096 - len("X-Long: \r\n")))]
    await _accepted_within_limits(target, target.upgrade_request(headers=more))


@case("rfc6455-4.2.1-long-field")
async def request_line_of_8000_octets_is_accepted(target):
    request = target.upgrade_request()
    mark = "&" if "?" in request.target else "?"
    line = len(f"GET {request.target}{mark}pad= HTTP/1.1\r\n")
    padding = "x" * (8000 - line)
    request = replace(request, target=f"{request.target}{mark}pad={padding}")
    await _accepted_within_limits(target, request)


async def _accepted_within_limits(target, request):
    limit = target.limit("max_header_octets")
    if limit is None or len(request.encode()) <= limit:
        await target.handshake(request)
    else:
        await (await target.http()).refused(request, 431, 414, 400)


@case("rfc6455-4.2.1-header-too-large", exclusive=True)
async def head_of_one_mebibyte_is_answered_or_cut_off(target):
    peer = await target.http()
    peer.send(target.upgrade_request(headers=[("X-Long", "x" * 1024 * 1024)]))
    wanted = "a 4xx status, a 101, or the end of the connection"
    response = await peer.response_or_end(wanted)
    if response is not None and response.status != 101 and response.status < 400:
        raise Failure(wanted, str(response))


@case("rfc6455-3-query-kept")
async def request_target_with_a_query_is_understood(target):
    await target.handshake(target.upgrade_request("/?room=1&name=%C3%A9&empty=&flag"))


@case("rfc6455-3-fragment-in-target")
async def request_target_with_a_fragment_is_refused(target):
    peer = await target.http()
    await peer.refused(target.upgrade_request("/#fragment"), 400)


@case("rfc6455-4.2.1-target-absolute-form")
async def request_target_in_absolute_form_is_accepted(target):
    request = target.upgrade_request()
    scheme = "https" if target.address.tls else "http"
    absolute = f"{scheme}://{target.address.authority}{request.target}"
    await target.handshake(replace(request, target=absolute))


@case("rfc6455-4.2.1-octet-by-octet")
async def request_in_pieces_of_one_octet_is_the_same_request(target):
    peer = await target.http()
    await peer.send_pieces(target.upgrade_request())
    response = await peer.response("101 Switching Protocols", body=False)
    if response.status != 101:
        raise Failure("101 Switching Protocols", str(response))


@case("rfc6455-4.1-client-waits", needs={"echo"})
async def frame_in_the_segment_of_the_request_is_served_or_refused(target):
    request = target.upgrade_request()
    peer = await target.http()
    peer.send(request)
    peer.send_octets(text_frame("early").encode(), "TEXT 'early', before the response")
    response = await peer.response_or_end("101 or a refusal")
    if response is not None and response.status == 101:
        await peer.upgraded(response).expect_message("early")


@case("rfc6455-4.2.1-bare-lf")
async def lines_that_end_in_lf_alone_are_accepted_or_refused(target):
    peer = await target.http()
    peer.send(replace(target.upgrade_request(), line_end=b"\n"))
    peer.send_octets(b"\r\n\r\n", "an empty line, for a server that waits for CRLF")
    await peer.response_or_end("101 or a refusal")


@case("rfc6455-4.2.1-leading-empty-line")
async def empty_line_before_the_request_line_is_ignored(target):
    peer = await target.http()
    peer.send_octets(b"\r\n", "an empty line")
    peer.send(target.upgrade_request())
    response = await peer.response("101 Switching Protocols", body=False)
    if response.status != 101:
        raise Failure("101 Switching Protocols", str(response))


@case("rfc6455-4.2.1-blank-before-colon", over={"field": ["X-Unknown", "Sec-WebSocket-Version"]})
async def blank_between_field_name_and_colon_is_refused(target, field):
    request = target.upgrade_request(headers=[("X-Unknown", "1")])
    fields = tuple((name + " " * (name == field), value) for name, value in request.headers)
    peer = await target.http()
    await peer.refused(replace(request, headers=fields), 400)


@case("rfc6455-4.2.1-field-name-grammar")
async def field_name_that_is_no_token_is_refused(target):
    peer = await target.http()
    await peer.refused(target.upgrade_request(headers=[("X(comment)", "1")]), 400)


@case("rfc6455-4.2.1-field-name-grammar")
async def field_line_without_a_colon_is_refused(target):
    request = target.upgrade_request()
    octets = request.encode().replace(b"\r\n", b"\r\nno colon here\r\n", 1)
    peer = await target.http()
    peer.send_octets(octets, f"{request}  with a line 'no colon here'")
    await peer.expect_refused(400)


@case("rfc6455-4.2.1-invalid-content-length", over={"lengths": ["abc", "-1", "3 and 4"]})
async def invalid_content_length_is_refused(target, lengths):
    fields = [("Content-Length", length) for length in lengths.split(" and ")]
    peer = await target.http()
    await peer.refused(target.upgrade_request(headers=fields), 400)


@case("rfc6455-4.2.1-request-body", needs={"echo"})
async def body_of_the_request_is_never_taken_for_frames(target):
    body = text_frame("smuggled").encode()
    request = target.upgrade_request(headers=[("Content-Length", str(len(body)))])
    peer = await target.http()
    peer.send(replace(request, body=body))
    wanted = "a refusal, or 101 and the body ignored"
    response = await peer.response_or_end(wanted)
    if response is None:
        target.non_strict(wanted, "the server closed the TCP connection without an answer")
    elif response.status == 101:
        socket = peer.upgraded(response)
        socket.send(text_frame("the first frame"))
        await socket.expect_message("the first frame")
