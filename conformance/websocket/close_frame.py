"""RFC 6455, sections 5.5.1 and 7.4: the code and the reason of a Close frame."""

from sockproof.conformance import (
    Failure,
    Frame,
    Opcode,
    Target,
    case,
    client_frame,
    close_frame,
    ordinary_close,
)

DEFINED = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011)
REFUSALS = (1002, 1007)  # these codes say that the Close frame was not taken
NOT_UTF8 = {
    "latin-1": b"b\xe9b\xe9",
    "overlong": b"\xc0\xaf",
    "surrogate": b"\xed\xa0\x80",
    "unfinished": b"reason \xe2\x82",
    "unfinished-at-123": b"r" * 121 + b"\xf0\x9f",
    "above-last": b"\xf4\x90\x80\x80",
    "greek-and-surrogate": b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
}
SCRIPTS = {
    "greek": "κόσμε",
    "chinese": "再见",
    "emoji": "👋" * 30,
    "nul": "a\0b",
    "lines": "a\r\nb\n",
}


def _not_refused(close: bytes, code: int) -> None:
    """The answer must not say that the Close frame was taken for an error."""
    answer = int.from_bytes(close[:2], "big")
    if answer in REFUSALS and answer != code:
        got = f"Close {answer}, as for an error"
        raise Failure(f"an answer to Close {code}", got, came=Frame(Opcode.CLOSE, close))


async def _expect_answer(target: Target, code: int, reason: str = "") -> None:
    peer = await target.connect()
    peer.send(close_frame(code, reason))
    close = await peer.expect_close()
    _not_refused(close.payload, code)


# Codes.


@case(
    "rfc6455-7.4.1-codes-received",
    over={"code": DEFINED},
    autobahn={str(code): [f"7.7.{number}"] for number, code in enumerate(DEFINED, 1)},
)
async def defined_code_is_answered(target: Target, code: int) -> None:
    await _expect_answer(target, code)


@case("rfc6455-7.4.1-codes-received", over={"code": DEFINED})
async def defined_code_with_a_reason_is_answered(target: Target, code: int) -> None:
    await _expect_answer(target, code, "for this reason")


@case("rfc6455-7.4.2-registered-later", over={"code": (1012, 1013, 1014)})
async def later_registered_code_is_answered(target: Target, code: int) -> None:
    await _expect_answer(target, code)


@case(
    "rfc6455-7.4.2-libraries",
    over={"code": (3000, 3500, 3999)},
    autobahn={"3000": ["7.7.10"], "3999": ["7.7.11"]},
)
async def code_for_libraries_is_answered(target: Target, code: int) -> None:
    await _expect_answer(target, code)


@case(
    "rfc6455-7.4.2-private",
    over={"code": (4000, 4500, 4999)},
    autobahn={"4000": ["7.7.12"], "4999": ["7.7.13"]},
)
async def code_for_private_use_is_answered(target: Target, code: int) -> None:
    await _expect_answer(target, code)


@case(
    "rfc6455-7.4.1-reserved-received",
    over={"code": (1004, 1005, 1006, 1015)},
    autobahn={"1004": ["7.9.3"], "1005": ["7.9.4"], "1006": ["7.9.5"]},
    control=ordinary_close,
)
async def reserved_code_is_a_protocol_error(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    await target.expect_close_refused(peer, code, 1002)


@case(
    "rfc6455-7.4.1-reserved-received",
    over={"code": (1004, 1005, 1006, 1015)},
    control=ordinary_close,
)
async def reserved_code_with_a_reason_is_a_protocol_error(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code, "for a reason"))
    await target.expect_close_refused(peer, code, 1002)


@case(
    "rfc6455-7.4.2-unused",
    over={"code": (0, 1, 999)},
    autobahn={"0": ["7.9.1"], "999": ["7.9.2"]},
    control=ordinary_close,
)
async def unused_code_is_a_protocol_error(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    await target.expect_close_refused(peer, code, 1002)


@case(
    "rfc6455-7.4.2-unassigned",
    over={"code": (1016, 1100, 2000, 2999)},
    autobahn={"1016": ["7.9.6"], "1100": ["7.9.7"], "2000": ["7.9.8"], "2999": ["7.9.9"]},
    control=ordinary_close,
)
async def unassigned_code_is_answered_or_refused(target: Target, code: int) -> None:
    await _report_answer(target, code)


@case(
    "rfc6455-7.4.2-beyond",
    over={"code": (5000, 65535)},
    autobahn={"5000": ["7.13.1"], "65535": ["7.13.2"]},
    control=ordinary_close,
)
async def code_beyond_4999_is_answered_or_refused(target: Target, code: int) -> None:
    await _report_answer(target, code)


async def _report_answer(target: Target, code: int) -> None:
    """Nothing says what to answer to such a code; that the connection ends is all."""
    peer = await target.connect()
    peer.send(close_frame(code))
    close = await peer.expect_failed(1002, code, 1000)
    target.report(f"answer to Close {code}", "none" if close is None else str(close))


# Bodies.


@case("rfc6455-5.5.1-body-one-octet", autobahn=["7.3.2"], control=ordinary_close)
async def close_with_one_octet_is_a_protocol_error(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.CLOSE, b"a"))
    await target.expect_close_refused(peer, None, 1002)


@case(
    "rfc6455-5.5.1-reason",
    over={"octets": (1, 12, 122, 123)},
    autobahn={"12": ["7.3.4"], "123": ["7.3.5"]},
)
async def close_with_a_reason_is_answered(target: Target, octets: int) -> None:
    await _expect_answer(target, 1000, ("Hello World!" * 11)[:octets])


@case("rfc6455-7.4.1-codes-received", over={"script": list(SCRIPTS)})
async def close_with_a_reason_in_any_script_is_answered(target: Target, script: str) -> None:
    await _expect_answer(target, 1000, SCRIPTS[script])


@case(
    "rfc6455-5.5.1-reason-not-utf8",
    over={"reason": list(NOT_UTF8)},
    autobahn={"greek-and-surrogate": ["7.5.1"]},
    control=ordinary_close,
)
async def close_reason_that_is_not_utf8_fails_the_connection(target: Target, reason: str) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000, NOT_UTF8[reason]))
    await target.expect_close_refused(peer, 1000, 1007, 1002)


@case("rfc6455-5.5.1-reason-not-utf8", over={"code": (1001, 3000, 4321)}, control=ordinary_close)
async def code_does_not_excuse_a_reason_that_is_not_utf8(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code, b"\xff\xfe"))
    await target.expect_close_refused(peer, code, 1007, 1002)
