"""A response that a client must not take, or must: RFC 6455, 4.1."""

from __future__ import annotations

import asyncio
import re

from tests.clients.raw_websocket.freedoms.request import FollowsRedirects
from tests.clients.raw_websocket.response import RefusedError
from tests.clients.raw_websocket.switching import HANG, Mixin, skips


def refuses(**checks) -> Mixin:
    """A further check, by the name of the one that it comes before."""

    def further(name, wrong):
        def check(self, *arguments):
            if wrong(self, *arguments):
                raise RefusedError("refused without cause")
            getattr(super(made, self), name)(*arguments)

        return check

    made = type("Refuses", (), {name: further(name, wrong) for name, wrong in checks.items()})
    return made


def passes(name: str, excuse) -> Mixin:
    """Leaves a check out where the excuse holds."""

    def check(self, *arguments):
        if not excuse(self, *arguments):
            getattr(super(made, self), name)(*arguments)

    made = type("Passes", (), {name: check})
    return made


def status(*allowed: int) -> Mixin:
    return passes("check_status", lambda self: self.status in allowed)


def accepts(like) -> Mixin:
    """Compares the first accept value with the right one in another way."""

    def excuse(self):
        values = self.all("Sec-WebSocket-Accept")
        return bool(values) and like(values[0], self.accept(), self)

    return passes("check_accept", excuse)


def _some(name: str, text: str):
    return lambda self: any(text in value.lower() for value in self.all(name))


class NeverInterim:
    """Takes a 1xx for the answer."""

    def is_interim(self):
        return False


class InterimIsAnswer:
    """Takes a 1xx with the right fields for a 101."""

    def is_interim(self):
        return False

    def check_status(self):
        if self.status >= 200:
            super().check_status()


class LosesWhatIsBehindTheHead:
    def behind_head(self, rest):
        return b""


class NamesAsTheyAre:
    def same_name(self, one, other):
        return one == other


class NamesOnlyInLowerCase:
    def same_name(self, one, other):
        return one == other.lower()


class NoFolds:
    """Fields that are folded are cut at the end of their first line."""

    def unfolded(self, lines):
        return [line for line in lines if line[:1] not in (" ", "\t")]


class KeepsBlanks:
    """Blanks around a value belong to it."""

    def read_head(self, head):
        super().read_head(head)
        lines = head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines)
        self.response = [(name, value.removeprefix(" ")) for name, _, value in pairs]


class AnyStatusLine:
    def read_status_line(self, line):
        self.status = int(found[0]) if (found := re.findall(r"\d{3}", line)) else 101


class NeedsReason:
    def read_status_line(self, line):
        super().read_status_line(line)
        if self.reason != "Switching Protocols":
            raise RefusedError("another reason phrase")


class FewFields:
    def read_head(self, head):
        super().read_head(head)
        if len(self.response) > 20:
            raise RefusedError("many fields")


class ShortHead:
    def end_of_head(self, octets):
        if len(octets) > 1024:
            raise RefusedError("a long head")
        return super().end_of_head(octets)


class EndlessHead:
    """Reads a head for as long as it goes on."""

    def end_of_head(self, octets):
        try:
            return super().end_of_head(octets)
        except RefusedError:
            return None


class ManyFieldsHang:
    """Never gets to the end of a head with more than 1000 fields."""

    def end_of_head(self, octets):
        return None if octets.count(b"\n") > 1000 else super().end_of_head(octets)


class OneSegment:
    """The head has to come at once."""

    def end_of_head(self, octets):
        found = super().end_of_head(octets)
        if found is None:
            raise RefusedError("half a head")
        return found


class FirstFieldOnly:
    """Reads only the first line of each field."""

    def all(self, name):
        return super().all(name)[:1]


class LastFieldOnly:
    def all(self, name):
        return super().all(name)[-1:]


class TalksAfterRefusing:
    """Goes on although it has found that the answer is wrong."""

    def check(self):
        try:
            super().check()
        except RefusedError:
            self.agreed = None


class SendsAfterRefusing:
    """Says something on a connection that is not open."""

    async def refuse(self, why):
        self.send_message(1, b"are you there?")


class HangsAfterRefusing:
    """Keeps TCP open for as long as the server does."""

    patience = HANG

    async def refuse(self, why):
        await self.await_end()


class FollowsForEver(FollowsRedirects):
    """Follows redirects however many there are."""

    most = 100


class FollowsWithTheSameKey(FollowsRedirects):
    """Follows a redirect with the key that it had."""

    def make_key(self):
        return self.place.seen.get("key before") or super().make_key()


class StaysAfterRefusing:
    """Keeps TCP open though the server has ended its side."""

    async def refuse(self, why):
        await asyncio.sleep(HANG)


class ProtocolWithoutCase:
    def check_protocol(self):
        low = [each.lower() for each in self.subprotocols]
        if not all(each.lower() in low for each in self.all("Sec-WebSocket-Protocol")):
            super().check_protocol()


class SomeProtocol:
    """One of several names that the server chooses is enough."""

    def check_protocol(self):
        if not set(self.tokens("Sec-WebSocket-Protocol")) & {*self.subprotocols}:
            super().check_protocol()


FAULTS: dict[str, Mixin] = {
    "takes-any-status": skips("check_status"),
    "takes-200": status(200),
    "takes-201": status(201),
    "takes-204": status(204),
    "takes-2xx": status(*range(200, 300)),
    "takes-301": status(*range(300, 400)),
    "takes-400": status(400),
    "takes-401": status(401, 403, 407),
    "takes-404": status(404),
    "takes-426": status(426),
    "takes-500": status(*range(500, 600)),
    "takes-100": InterimIsAnswer,
    "stumbles-over-100": NeverInterim,
    "takes-any-status-line": AnyStatusLine,
    "needs-reason-phrase": NeedsReason,
    "does-not-check-upgrade": skips("check_upgrade"),
    "upgrade-may-lack": passes("check_upgrade", lambda self: not self.all("Upgrade")),
    "upgrade-may-be-anything": passes("check_upgrade", lambda self: bool(self.all("Upgrade"))),
    "upgrade-by-substring": passes("check_upgrade", _some("Upgrade", "websocket")),
    "upgrade-with-case": refuses(check_upgrade=lambda s: s.all("Upgrade") != ["websocket"]),
    "does-not-check-connection": skips("check_connection"),
    "connection-may-lack": passes("check_connection", lambda self: not self.all("Connection")),
    "connection-may-be-anything": passes(
        "check_connection", lambda self: bool(self.all("Connection"))
    ),
    "connection-by-substring": passes("check_connection", _some("Connection", "upgrade")),
    "connection-with-case": refuses(
        check_connection=lambda self: "Upgrade" not in self.tokens("Connection")
    ),
    "connection-alone": refuses(
        check_connection=lambda self: [v.lower() for v in self.all("Connection")] != ["upgrade"]
    ),
    "does-not-check-accept": skips("check_accept"),
    "accept-may-lack": passes("check_accept", lambda self: not self.all("Sec-WebSocket-Accept")),
    "accept-may-be-empty": accepts(lambda got, right, self: not got),
    "accept-without-case": accepts(lambda got, right, self: got.lower() == right.lower()),
    "accept-by-prefix": accepts(lambda got, right, self: got.startswith(right)),
    "accept-of-any-28-characters": accepts(lambda got, right, self: len(got) == 28),
    "accept-compares-a-few-characters": accepts(lambda got, right, self: got[:4] == right[:4]),
    "accept-without-padding": accepts(
        lambda got, right, self: got.rstrip("=") == right.rstrip("=")
    ),
    "accept-may-be-the-key": accepts(lambda got, right, self: got == self.key),
    "accept-in-quotes": accepts(lambda got, right, self: got.strip('"') == right),
    "accept-twice": passes(
        "check_accept", lambda self: self.accept() in self.all("Sec-WebSocket-Accept")
    ),
    "accept-with-blanks-inside": accepts(lambda got, right, self: re.sub(r"\s", "", got) == right),
    "goes-on-whatever-is-wrong": TalksAfterRefusing,
    "speaks-after-refusing": SendsAfterRefusing,
    "hangs-after-refusing": HangsAfterRefusing,
    "follows-redirects-for-ever": FollowsForEver,
    "follows-redirects-with-the-same-key": FollowsWithTheSameKey,
    "stays-after-refusing": StaysAfterRefusing,
    "names-with-case": NamesAsTheyAre,
    "names-in-lower-case-only": NamesOnlyInLowerCase,
    "does-not-unfold": NoFolds,
    "keeps-blanks-around-values": KeepsBlanks,
    "refuses-many-fields": FewFields,
    "refuses-a-head-of-1-kib": ShortHead,
    "reads-heads-without-end": EndlessHead,
    "hangs-over-many-fields": ManyFieldsHang,
    "refuses-a-head-in-pieces": OneSegment,
    "loses-frames-behind-the-head": LosesWhatIsBehindTheHead,
    "reads-first-field-only": FirstFieldOnly,
    "reads-last-field-only": LastFieldOnly,
    "does-not-check-protocol": skips("check_protocol"),
    "takes-protocol-if-none-offered": passes("check_protocol", lambda s: not s.subprotocols),
    "takes-any-protocol-if-some-offered": passes("check_protocol", lambda s: bool(s.subprotocols)),
    "takes-protocol-twice": passes(
        "check_protocol",
        lambda self: {*self.all("Sec-WebSocket-Protocol")} <= {*self.subprotocols},
    ),
    "takes-two-protocols": SomeProtocol,
    "takes-empty-protocol": passes(
        "check_protocol", lambda s: s.all("Sec-WebSocket-Protocol") == [""]
    ),
    "protocol-without-case": ProtocolWithoutCase,
}
