"""A request that is not as RFC 6455, 4.1 demands it."""

from __future__ import annotations

import asyncio
import base64
import os

from tests.clients.raw_websocket.switching import Mixin, has, offers


def nonce_of(count: int) -> Mixin:
    class OtherNonce:
        def nonce(self):
            return os.urandom(count)

    return OtherNonce


def key_from(make) -> Mixin:
    class OtherKey:
        def make_key(self):
            return make(super().nonce())

    return OtherKey


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def changes(name: str, *values: str) -> Mixin:
    """The field has these values, a line each; `{}` in one stands for what it was."""

    class OtherField:
        def fields(self):
            found = []
            for field, value in super().fields():
                if field != name:
                    found.append((field, value))
                    continue
                found += [(field, each.replace("{}", value)) for each in values]
            return found

    return OtherField


def adds(name: str, value: str) -> Mixin:
    """One more field."""

    class MoreFields:
        def fields(self):
            return [*super().fields(), (name, value)]

    return MoreFields


def request_line(form: str) -> Mixin:
    class OtherLine:
        def request_line(self):
            return form.format(self.place.resource, host=self.host())

    return OtherLine


def protocols(make) -> Mixin:
    """A field Sec-WebSocket-Protocol that is malformed; each of its names is taken as offered."""

    class OtherProtocols:
        def fields(self):
            fields = [each for each in super().fields() if each[0] != "Sec-WebSocket-Protocol"]
            return fields + [("Sec-WebSocket-Protocol", each) for each in make(self.subprotocols)]

    return OtherProtocols


class BlankBeforeColon:
    def field_line(self, name, value):
        return f"{name} : {value}"


class Folded:
    def field_line(self, name, value):
        return (
            f"{name}:\r\n {value}" if name.startswith("Sec-WebSocket-Key") else f"{name}: {value}"
        )


class NotAscii:
    def fields(self):
        return [*super().fields(), ("X-Näme", "1")]


class LineWithoutColon:
    def fields(self):
        return [("Host", self.host() + "\r\nX-Nothing"), *super().fields()[1:]]


class SpeaksBeforeTheAnswer:
    """A Ping is right behind the request."""

    async def ask(self):
        await super().ask()
        self.send_frame(9, b"early")


class SendsMessageBeforeTheAnswer:
    async def ask(self):
        await super().ask()
        await asyncio.sleep(0)
        self.send_message(1, b"early")


class OpensSeveralAtOnce:
    """A second handshake to the same address while the first is not answered."""

    async def ask(self):
        _, self.other = await self.connect()
        self.other.write(self.head())
        await super().ask()

    async def disconnect(self):
        if hasattr(self, "other"):
            self.other.close()
        await super().disconnect()


class SameKeyAlways:
    def nonce(self):
        return b"the same always!"


class NonceOfTheRun:
    """One nonce for all the connections of a process."""

    def nonce(self):
        return bytes.fromhex(self.place.seen.setdefault("key", super().nonce().hex()))


class NonceOfLetters:
    def nonce(self):
        return bytes(97 + octet % 16 for octet in super().nonce())


class NonceCountsUp:
    def nonce(self):
        self.place.seen["keys"] = str(int(self.place.seen.get("keys", 0)) + 1)
        return int(self.place.seen["keys"]).to_bytes(16, "big")


class EndsHeadLate:
    """A further request is right behind the first."""

    async def ask(self):
        self.writer.write(self.head() + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


FAULTS: dict[str, Mixin] = {
    "key-of-15-octets": nonce_of(15),
    "key-of-17-octets": nonce_of(17),
    "key-of-8-octets": nonce_of(8),
    "key-is-empty": nonce_of(0),
    "key-is-the-same-always": SameKeyAlways,
    "key-is-the-same-in-a-process": NonceOfTheRun,
    "key-counts-up": NonceCountsUp,
    "key-of-letters": NonceOfLetters,
    "key-in-hexadecimal": key_from(lambda nonce: nonce.hex()),
    "key-without-padding": key_from(lambda nonce: _base64(nonce).rstrip("=")),
    "key-in-base64-for-addresses": key_from(
        lambda nonce: _base64(b"\xff\xef" + nonce[2:]).translate({43: "-", 47: "_"})
    ),
    "key-with-blanks-inside": key_from(
        lambda nonce: f"{_base64(nonce)[:12]} {_base64(nonce)[12:]}"
    ),
    "no-key": changes("Sec-WebSocket-Key"),
    "key-twice": changes("Sec-WebSocket-Key", "{}", "{}"),
    "two-keys": changes("Sec-WebSocket-Key", "{}", "dGhlIHNhbXBsZSBub25jZQ=="),
    "version-8": changes("Sec-WebSocket-Version", "8"),
    "version-14": changes("Sec-WebSocket-Version", "14"),
    "version-013": changes("Sec-WebSocket-Version", "013"),
    "version-list": changes("Sec-WebSocket-Version", "13, 8"),
    "no-version": changes("Sec-WebSocket-Version"),
    "version-twice": changes("Sec-WebSocket-Version", "{}", "{}"),
    "no-host": changes("Host"),
    "host-twice": changes("Host", "{}", "{}"),
    "host-without-port": changes("Host", "127.0.0.1"),
    "host-of-another": changes("Host", "another.example:81"),
    "host-as-address": changes("Host", "ws://{}/"),
    "host-is-empty": changes("Host", ""),
    "host-with-user": changes("Host", "user@{}"),
    "origin-twice": changes("Origin", "{}", "{}"),
    "origin-is-empty": changes("Origin", ""),
    "origin-with-path": changes("Origin", "{}/index.html"),
    "origin-is-a-host": changes("Origin", "127.0.0.1"),
    "no-upgrade": changes("Upgrade"),
    "upgrade-to-something-else": changes("Upgrade", "websockets"),
    "upgrade-to-h2c": changes("Upgrade", "h2c"),
    "no-connection": changes("Connection"),
    "connection-keep-alive": changes("Connection", "keep-alive"),
    "connection-close": changes("Connection", "close"),
    "http-1.0": request_line("GET {} HTTP/1.0"),
    "http-0.9-version": request_line("GET {} HTTP/0.9"),
    "posts": request_line("POST {} HTTP/1.1"),
    "method-in-lower-case": request_line("get {} HTTP/1.1"),
    "method-connect": request_line("CONNECT {} HTTP/1.1"),
    "target-with-ws-scheme": request_line("GET ws://{host}{} HTTP/1.1"),
    "target-with-fragment": request_line("GET {}#part HTTP/1.1"),
    "target-not-encoded": request_line("GET {}&x=ü HTTP/1.1"),
    "lines-end-with-lf": has(line_end="\n"),
    "blank-before-colon": BlankBeforeColon,
    "folds-the-key": Folded,
    "field-name-not-ascii": NotAscii,
    "line-without-colon": LineWithoutColon,
    "pings-before-the-answer": SpeaksBeforeTheAnswer,
    "message-before-the-answer": SendsMessageBeforeTheAnswer,
    "several-handshakes-at-once": OpensSeveralAtOnce,
    "request-behind-the-request": EndsHeadLate,
    "protocol-field-is-empty": protocols(lambda names: [""]),
    "protocol-with-blank": protocols(lambda names: [", ".join([*names, "two words"])]),
    "protocol-in-quotes": protocols(lambda names: [", ".join(f'"{n}"' for n in names or ["a"])]),
    "protocol-twice": protocols(lambda names: [", ".join([*names, "chat", "chat"])]),
    "protocols-separated-by-semicolon": protocols(lambda names: ["; ".join([*names, "a", "b"])]),
    "protocol-not-ascii": protocols(lambda names: [", ".join([*names, "süß"])]),
    "extensions-field-is-empty": changes("Sec-WebSocket-Extensions", ""),
    "extensions-end-with-semicolon": changes("Sec-WebSocket-Extensions", "permessage-deflate;"),
    "extensions-with-two-tokens": changes("Sec-WebSocket-Extensions", "permessage deflate"),
    "extension-with-value": changes("Sec-WebSocket-Extensions", "permessage-deflate=1"),
    "extension-in-quotes": changes("Sec-WebSocket-Extensions", '"permessage-deflate"'),
    "extension-parameter-without-name": changes(
        "Sec-WebSocket-Extensions", "permessage-deflate; =10"
    ),
    "extension-quote-never-ends": changes(
        "Sec-WebSocket-Extensions", 'permessage-deflate; client_max_window_bits="10'
    ),
    "extension-quoted-with-blank": changes(
        "Sec-WebSocket-Extensions", 'permessage-deflate; client_max_window_bits="1 0"'
    ),
}


def offer(value: str) -> Mixin:
    """What is in the field is wrong; what is answered is judged as if it were right."""
    return changes("Sec-WebSocket-Extensions", "permessage-deflate; " + value)


FAULTS |= {
    "offers-unknown-parameter": offer("client_max_window_bits; fast"),
    "offers-client-bits-twice": offer("client_max_window_bits; client_max_window_bits"),
    "offers-server-bits-twice": offer("server_max_window_bits=15; server_max_window_bits=15"),
    "offers-no-takeover-twice": offer("client_no_context_takeover; client_no_context_takeover"),
    "offers-client-bits-7": offer("client_max_window_bits=7"),
    "offers-client-bits-16": offer("client_max_window_bits=16"),
    "offers-client-bits-with-zero": offer("client_max_window_bits=09"),
    "offers-client-bits-no-number": offer("client_max_window_bits=true"),
    "offers-client-bits-negative": offer("client_max_window_bits=-9"),
    "offers-server-bits-7": offer("server_max_window_bits=7"),
    "offers-server-bits-16": offer("server_max_window_bits=16"),
    "offers-server-bits-with-zero": offer("server_max_window_bits=010"),
    "offers-server-bits-without-value": offer("server_max_window_bits"),
    "offers-server-no-takeover-with-value": offer("server_no_context_takeover=1"),
    "offers-client-no-takeover-with-value": offer("client_no_context_takeover=true"),
    "offers-parameters-in-capitals": offer("CLIENT_MAX_WINDOW_BITS"),
    "second-offer-is-invalid": offers(
        "permessage-deflate; client_max_window_bits, permessage-deflate; nonsense"
    ),
}
