"""Text that is not UTF-8, or is: RFC 6455, 5.6 and 8.1."""

from __future__ import annotations

import codecs
import re

from tests.clients.raw_websocket.compression import FailedError
from tests.clients.raw_websocket.receiving import BINARY
from tests.clients.raw_websocket.switching import Mixin, skips


def takes(pattern: bytes) -> Mixin:
    """Takes what the pattern matches for text, whatever it is."""

    class Takes:
        whole = b""

        def check_text(self, piece, last=False):
            self.whole += piece
            if last:
                whole, self.whole = self.whole, b""
                super().check_text(re.sub(pattern, b"?", whole, flags=re.DOTALL), last=True)

    return Takes


def decodes(codec: str) -> Mixin:
    class OtherCodec:
        def new_decoder(self):
            return codecs.getincrementaldecoder(codec)()

    return OtherCodec


def refuses_characters(found) -> Mixin:
    """Refuses text that is right."""

    class Refuses:
        async def message(self, opcode, payload):
            if opcode != BINARY and found(payload.decode("utf-8", "replace")):
                raise FailedError(1007, "refused without cause")
            await super().message(opcode, payload)

    return Refuses


class Replaces:
    """Invalid octets become U+FFFD."""

    def check_text(self, piece, last=False):
        pass

    async def message(self, opcode, payload):
        if opcode != BINARY:
            payload = payload.decode("utf-8", "replace").encode()
        await super().message(opcode, payload)


class DropsInvalid:
    """Invalid octets are left out."""

    def check_text(self, piece, last=False):
        pass

    async def message(self, opcode, payload):
        if opcode != BINARY:
            payload = payload.decode("utf-8", "ignore").encode()
        await super().message(opcode, payload)


class PassesOverInvalid:
    """A message that is not UTF-8 is passed over, and the connection goes on."""

    def check_text(self, piece, last=False):
        pass

    async def message(self, opcode, payload):
        try:
            if opcode != BINARY:
                payload.decode()
        except UnicodeDecodeError:
            return
        await super().message(opcode, payload)


class ChecksEachFragment:
    """Each frame has to be UTF-8 by itself."""

    async def frame_ends(self, header):
        if self.opcode != BINARY:
            self.check_text(b"", last=True)
        await super().frame_ends(header)


class ChecksFirstFragmentOnly:
    def check_text(self, piece, last=False):
        if self.header is not None and self.header.opcode != 0:
            super().check_text(piece)


class ChecksUnfragmentedOnly:
    def check_text(self, piece, last=False):
        if self.header is not None and self.header.fin and self.header.opcode != 0:
            super().check_text(piece)


class UncheckedIfCompressed:
    def check_text(self, piece, last=False):
        if not self.compressed:
            super().check_text(piece, last)


class IncompleteEndPasses:
    """Does not ask whether the last character is whole."""

    def check_text(self, piece, last=False):
        if not last:
            super().check_text(piece)


class ChecksBinary:
    """Binary messages have to be UTF-8, too."""

    async def message(self, opcode, payload):
        try:
            payload.decode()
        except UnicodeDecodeError:
            raise FailedError(1007, "refused without cause") from None
        await super().message(opcode, payload)


class FailsWith1002:
    def check_text(self, piece, last=False):
        try:
            super().check_text(piece, last)
        except FailedError as failed:
            raise FailedError(1000, failed.reason) from None


class ChecksLongTextOnly:
    """Only the first KiB of a message is looked at."""

    def check_text(self, piece, last=False):
        if not last and len(self.parts) <= 1024:
            super().check_text(piece)


FAULTS: dict[str, Mixin] = {
    "does-not-check-text": skips("check_text"),
    "replaces-what-is-no-text": Replaces,
    "leaves-out-what-is-no-text": DropsInvalid,
    "passes-over-what-is-no-text": PassesOverInvalid,
    "takes-surrogates": takes(rb"\xed[\xa0-\xbf][\x80-\xbf]"),
    "takes-overlong-2": takes(rb"[\xc0\xc1][\x80-\xbf]"),
    "takes-overlong-3": takes(rb"\xe0[\x80-\x9f][\x80-\xbf]"),
    "takes-overlong-4": takes(rb"\xf0[\x80-\x8f][\x80-\xbf]{2}"),
    "takes-overlong-nul": takes(rb"\xc0\x80"),
    "takes-characters-beyond-10ffff": takes(rb"\xf4[\x90-\xbf][\x80-\xbf]{2}|[\xf5-\xf7].{3}"),
    "takes-sequences-of-5-and-6": takes(rb"[\xf8-\xfb][\x80-\xbf]{4}|[\xfc\xfd][\x80-\xbf]{5}"),
    "takes-fe-and-ff": takes(rb"[\xfe\xff]"),
    "takes-stray-continuation-octets": takes(rb"(?<![\x80-\xff])[\x80-\xbf]+"),
    "takes-first-octets-alone": takes(rb"[\xc2-\xf4](?![\x80-\xbf])"),
    "takes-incomplete-sequences": takes(
        rb"[\xe1-\xec\xee\xef][\x80-\xbf](?![\x80-\xbf])|[\xf1-\xf3][\x80-\xbf]{1,2}(?![\x80-\xbf])"
        rb"|\xf0[\x90-\xbf][\x80-\xbf]?(?![\x80-\xbf])|\xf4[\x80-\x8f][\x80-\xbf]?(?![\x80-\xbf])"
    ),
    "takes-incomplete-end": IncompleteEndPasses,
    "takes-latin-1": decodes("latin-1"),
    "takes-utf-7": decodes("utf-7"),
    "checks-each-fragment": ChecksEachFragment,
    "checks-first-fragment-only": ChecksFirstFragmentOnly,
    "checks-unfragmented-text-only": ChecksUnfragmentedOnly,
    "checks-plain-text-only": UncheckedIfCompressed,
    "checks-the-first-kib-only": ChecksLongTextOnly,
    "checks-binary": ChecksBinary,
    "fails-text-with-1000": FailsWith1002,
    "refuses-noncharacters": refuses_characters(
        lambda text: any(ord(c) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(c) <= 0xFDEF for c in text)
    ),
    "refuses-nul": refuses_characters(lambda text: "\0" in text),
    "refuses-delete": refuses_characters(lambda text: "\x7f" in text),
    "refuses-controls": refuses_characters(
        lambda text: any(ord(c) < 32 and c not in "\t\r\n" for c in text)
    ),
    "refuses-characters-beyond-ffff": refuses_characters(lambda t: any(ord(c) > 0xFFFF for c in t)),
    "refuses-private-use": refuses_characters(
        lambda text: any(0xE000 <= ord(c) <= 0xF8FF or ord(c) >= 0xF0000 for c in text)
    ),
    "refuses-replacement-character": refuses_characters(lambda text: "\ufffd" in text),
    "takes-ascii-only": refuses_characters(lambda text: not text.isascii()),
}
