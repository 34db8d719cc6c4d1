"""permessage-deflate as a strictly correct server does it, with single faults to switch on.

RFC 7692, 5 and 7: a bad offer is declined and the next one looked at; whatever an offer asks for
is agreed to, but for a server window of 256 octets, which zlib cannot do.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from functools import partial

from sockproof.conformance.context.outcome import Failure
from sockproof.conformance.peers.upgrade_response import agreed_deflate
from sockproof.wire import WireError
from sockproof.wire.deflate import (
    Compressor,
    Decompressor,
    Extension,
    Parameters,
    format_extensions,
    parse_extensions,
)
from tests.servers.freedom import NONE as NO_FREEDOMS
from tests.servers.freedom import Freedoms
from tests.servers.limits import BOUNDLESS, MAX_MESSAGE

NAME = "permessage-deflate"
FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
WINDOWS = ("server_max_window_bits", "client_max_window_bits")
COMPRESSED_LENGTHS = (125, 126, 127, 65_535, 65_536)
SPOILT_LENGTHS = (0, 1, 19, 720, 10_250, 70_000, 1 << 20)

Agreement = tuple[Parameters, str]  # what holds, and the value that tells the client


def negotiate(
    offers: str | None, fault: str | None = None, freedoms: Freedoms = NO_FREEDOMS
) -> Agreement | None:
    """What is agreed on: the first offer that can be; None when there is none."""
    if offers is None or (fault == "quoted-offer-declined" and '"' in offers):
        return None
    if fault == "offer-with-a-tab-declined" and "\t" in offers:
        return None
    if fault == "deflate-unasked" and offers == "x-sockproof":
        return Parameters(), NAME
    try:
        parsed = parse_extensions(offers)
    except WireError:
        return None
    if fault == "deflate-declined-beside-others" and any(each.name != NAME for each in parsed):
        return None
    wanted = [each for each in parsed if each.name == NAME]
    if fault == "any-name-with-deflate-accepted":
        wanted = [each for each in parsed if "deflate" in each.name]
    if fault == "only-first-offer-read":
        wanted = wanted[:1]
    if fault == "last-offer-taken":
        wanted.reverse()
    possible = [agreed for agreed in (_agree(each, fault, freedoms) for each in wanted) if agreed]
    if not possible:
        return None
    parameters, value = possible[0]
    if fault == "every-offer-accepted" and len(possible) > 1:
        value = ", ".join(each[1] for each in possible)
    return parameters, value


def _agree(offer: Extension, fault: str | None, freedoms: Freedoms) -> Agreement | None:
    """The agreement to one offer; None when it has to be declined."""
    if not _is_valid(offer, fault):
        return None
    asked = dict(reversed(offer.parameters))
    answer: list[tuple[str, str | None]] = [(name, None) for name in FLAGS if name in asked]
    server_bits, client_bits = asked.get(WINDOWS[0]), asked.get(WINDOWS[1])
    if server_bits == "8" and fault != "server-window-of-256-forgotten":
        return None
    if fault == "plain-offer-declined" and not asked:
        return None
    if fault == "server-takeover-flag-declined" and list(asked) == [FLAGS[0]]:
        return None
    if server_bits is not None:
        answer.append((WINDOWS[0], server_bits))
    if client_bits is not None:
        answer.append((WINDOWS[1], client_bits))
    free = freedoms.deflate(asked, _spoilt(answer, asked, fault))
    if free is None:
        return None
    answer = free
    response = Extension(NAME, tuple(answer))
    try:
        parameters = Parameters.from_response(response)
    except WireError:
        parameters = Parameters()  # a fault has made the response wrong
    return parameters, format_extensions([response])


def _is_valid(offer: Extension, fault: str | None) -> bool:
    """Whether an offer has only parameters that are defined, once each, with values as defined."""
    names = [name for name, _ in offer.parameters]
    if len(set(names)) < len(names) and fault != "parameter-twice-accepted":
        return False
    for name, value in offer.parameters:
        if name in FLAGS:
            valid = value is None or fault == "flag-with-value-accepted"
        elif name in WINDOWS and value is None:
            valid = name == WINDOWS[1] or fault == "window-without-value-accepted"
        elif name in WINDOWS:
            assert value is not None
            number = re.fullmatch(r"[89]|1[0-5]", value) is not None
            valid = number or fault == "window-out-of-range-accepted"
        else:
            valid = fault == "unknown-parameter-accepted"
        if not valid:
            return False
    return True


def _spoilt(
    answer: list[tuple[str, str | None]], asked: dict[str, str | None], fault: str | None
) -> list[tuple[str, str | None]]:
    """The parameters of the response, as they are or as the fault wants them."""
    proper = [
        (name, value)
        for name, value in answer
        if name in FLAGS or (value is not None and re.fullmatch(r"[89]|1[0-5]", value))
    ]
    names = [name for name, _ in proper]
    if fault == "takeover-flag-left-out" and len(asked) == 1:
        return [pair for pair in proper if pair[0] != FLAGS[0]]
    if fault == "server-window-left-out" and len(asked) == 1:
        return [pair for pair in proper if pair[0] != WINDOWS[0]]
    if fault == "server-window-of-256-forgotten" and asked.get(WINDOWS[0]) == "8":
        return [pair for pair in proper if pair[0] != WINDOWS[0]]
    if fault == "server-window-with-leading-zero" and asked.get(WINDOWS[0]) == "10":
        return [(name, "010" if name == WINDOWS[0] else value) for name, value in proper]
    if fault == "browsers-get-a-window-without-value" and asked == {WINDOWS[1]: None}:
        return [(WINDOWS[1], None)]
    if fault == "server-window-enlarged" and asked.get(WINDOWS[0]) == "10" and len(asked) == 1:
        return [(WINDOWS[0], "12")]
    if fault == "client-window-unasked" and not asked:
        return [(WINDOWS[1], "12")]
    if fault == "client-window-enlarged" and WINDOWS[1] in names and len(asked) == 1:
        return [(WINDOWS[1], "15")]
    if fault == "client-flag-taken-unanswered":
        return [pair for pair in proper if pair[0] != FLAGS[1]]
    if fault == "client-window-taken-unanswered":
        return [pair for pair in proper if pair[0] != WINDOWS[1]]
    if fault == "response-parameter-twice" and FLAGS[0] in names:
        return [*proper, (FLAGS[0], None)]
    if fault == "plain-offer-answered-with-level" and not asked:
        return [("x_level", "9")]
    if fault == "not-all-parameters-together" and len(asked) == 4:
        return [pair for pair in proper if pair[0] != WINDOWS[0]]
    return proper


class MessageCodec:
    """Inflates the client's messages and deflates the server's, as agreed on both sides."""

    def __init__(
        self,
        parameters: Parameters,
        fault: str | None = None,
        freedoms: Freedoms = NO_FREEDOMS,
    ) -> None:
        self.fault = fault
        server_bits, client_bits = (
            parameters.server_max_window_bits,
            parameters.client_max_window_bits,
        )
        keeps_server = not parameters.server_no_context_takeover
        keeps_client = not parameters.client_no_context_takeover
        if fault == "server-window-exceeded":
            server_bits = 15
        if fault == "client-window-too-small":
            client_bits = min(client_bits, 9)
        if fault == "server-takeover-flag-ignored":
            keeps_server = True
        if fault == "client-context-forgotten":
            keeps_client = False
        self._small_window = parameters.client_max_window_bits < 15
        self._fresh_windows = parameters.client_no_context_takeover
        self._messages = 0
        self._final_seen = False
        if fault == "client-flag-taken-unanswered":
            keeps_client = False
        if fault == "client-window-taken-unanswered":
            client_bits = min(client_bits, 10)
        boundless = fault in ("inflates-without-bound", "inflates-beyond-the-limit")
        bound = BOUNDLESS if boundless else (freedoms.bound() or MAX_MESSAGE)
        self._make_inflater = partial(Decompressor, client_bits, keeps_client, max_size=bound)
        self._inflater = self._make_inflater()
        self._deflater = freedoms.compressor(parameters) or Compressor(server_bits, keeps_server)

    def inflate(self, payload: bytes) -> bytes:
        """The client's message; raises `WireError` when it cannot be inflated."""
        self._messages += 1
        self._refuse(payload)
        if self.fault == "nothing-read-after-a-final-block" and self._final_seen:
            return b""
        self._final_seen = bool(payload[:1] and payload[0] & 1)
        if self.fault == "one-block-a-message" and b"\0\0\xff\xff" in payload:
            payload = payload[: payload.index(b"\0\0\xff\xff")]
        if self.fault == "stops-at-a-final-block":
            once = zlib.decompressobj(-15)
            with contextlib.suppress(zlib.error):
                content = once.decompress(payload)
                if once.eof and once.unused_data not in (b"", b"\0"):
                    return content
        try:
            content = self._inflater.decompress(payload)
            if self.fault == "compressed-lengths-misread" and len(payload) in COMPRESSED_LENGTHS:
                content = content[:-1]
            if self.fault == "a-long-message-empties-the-window" and len(content) > 32768:
                self.forget()
            return content
        except WireError:
            if self.fault == "corrupt-message-delivered":
                return b"corrupt"
            raise

    def forget(self) -> None:
        """Empty the client's window, which is a fault."""
        self._inflater = self._make_inflater()

    def passed_by(self, payload: bytes) -> None:
        """An uncompressed message has come; it is nothing to the window, but for a fault."""
        if self.fault == "uncompressed-messages-in-the-window":
            length = len(payload).to_bytes(2, "little")
            complement = (len(payload) ^ 0xFFFF).to_bytes(2, "little")
            self._inflater.decompress(b"\0" + length + complement + payload + b"\0")

    def _refuse(self, payload: bytes) -> None:
        """What a fault does not like is called corrupt; the first octet tells the kind of block."""
        first = payload[0] if payload else 0
        kinds = {0: "stored-block-refused", 1: "fixed-block-refused", 2: "dynamic-block-refused"}
        refused = {
            "final-block-refused": bool(first & 1),
            "empty-message-refused": payload == b"\0",
            "client-window-agreed-and-refused": self._small_window,
            "second-fresh-window-refused": self._fresh_windows and self._messages > 1,
            kinds.get(first >> 1 & 3): payload != b"\0",
        }
        if refused.get(self.fault or ""):
            raise WireError("this server does not like it")

    def deflate(self, payload: bytes) -> bytes:
        """A message of the server's, compressed, without the tail."""
        if self.fault == "inflated-content-spoilt" and len(payload) in SPOILT_LENGTHS:
            payload = payload[:-1] + b"?"
        if self.fault == "compressed-answers-spoilt":
            payload += b"?"
        compressed = self._deflater.compress(payload)
        if self.fault == "tail-kept" and len(payload) == 50:
            return compressed + b"\0\0\xff\xff"
        if self.fault == "tail-looked-for-anywhere":
            return compressed.partition(b"\0\0\xff\xff")[0]
        return compressed


def agreed_if_read(response):
    """What a 101 that may be faulty agreed on; none where it cannot be read."""
    try:
        return agreed_deflate(response)
    except Failure:
        return None
