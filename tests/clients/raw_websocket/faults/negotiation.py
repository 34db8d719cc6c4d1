"""Extensions that a client must not agree to, or must: RFC 6455, 9.1, and RFC 7692, 7.1."""

from __future__ import annotations

import re

from tests.clients.raw_websocket.response import RefusedError
from tests.clients.raw_websocket.switching import Mixin, has, offers, skips


class MalformedExtensionsPass:
    def parse_extensions(self, value):
        try:
            return super().parse_extensions(value)
        except RefusedError:
            return [("permessage-deflate", [])] if self.offered else []


class UnknownExtensionsPass:
    """Passes over the extensions that it does not know."""

    def agree(self, extensions):
        super().agree([each for each in extensions if self.was_offered(each[0])])


class DeflateWithoutOffer:
    """Offers nothing, and agrees to permessage-deflate."""

    offered = ""

    def was_offered(self, name):
        return name == "permessage-deflate"

    def answers_offer(self, offer, values):
        return True

    def offers(self):
        return [{}]


class UnquotedOnly:
    def parameter_value(self, value):
        if value is not None and value.startswith('"'):
            raise RefusedError("a quoted value")
        return super().parameter_value(value)


class ExtensionNameInAnyCase:
    def parse_extensions(self, value):
        return super().parse_extensions(value.lower())


def forgets(name: str) -> Mixin:
    """Passes over a parameter of the response, as if it were not there."""

    class Forgets:
        def understood(self, values):
            return super().understood({k: v for k, v in values.items() if k != name})

    return Forgets


class RefusesAdditions:
    """Refuses a parameter of the response that it did not ask for, though it may come."""

    def answers_offer(self, offer, values):
        return super().answers_offer(offer, values) and not {*values} - {*offer}


class AnyBits:
    """Takes what no window can be for one of 15 bits."""

    def check_bits(self, parameters):
        pass

    def answers_offer(self, offer, values):
        return True

    def understood(self, values):
        good = {k: v for k, v in values.items() if re.fullmatch("[89]|1[0-5]", v) or "no" in k}
        return super().understood(good)


def bits(pattern: str) -> Mixin:
    """Takes these values too."""

    class OtherBits(AnyBits):
        def check_bits(self, parameters):
            others = [pair for pair in parameters if not re.fullmatch(pattern, pair[1])]
            super(AnyBits, self).check_bits(others)

    return OtherBits


class AnyAnswer:
    def answers_offer(self, offer, values):
        return True


class NeedsDeflate:
    """Refuses a server that declines the offer."""

    def check_extensions(self):
        super().check_extensions()
        if self.offered and self.agreed is None:
            raise RefusedError("no compression")


class NeedsItsHint:
    """Refuses an answer that does not take up what the client has said of itself."""

    offered = "permessage-deflate; client_no_context_takeover"

    def answers_offer(self, offer, values):
        return super().answers_offer(offer, values) and "client_no_context_takeover" in values


FAULTS: dict[str, Mixin] = {
    "does-not-check-extensions": skips("check_extensions"),
    "takes-malformed-extensions": MalformedExtensionsPass,
    "takes-unknown-extensions": UnknownExtensionsPass,
    "takes-deflate-without-offer": DeflateWithoutOffer,
    "extension-names-without-case": ExtensionNameInAnyCase,
    "refuses-quoted-values": UnquotedOnly,
    "takes-deflate-twice": skips("check_single"),
    "takes-unknown-parameters": skips("check_names"),
    "takes-doubled-parameters": skips("check_doubled"),
    "takes-flags-with-values": skips("check_flags"),
    "needs-deflate": NeedsDeflate,
    "needs-its-hint-accepted": NeedsItsHint,
    "refuses-what-it-did-not-ask-for": RefusesAdditions,
    "forgets-client-bits": forgets("client_max_window_bits"),
    "forgets-client-no-takeover": forgets("client_no_context_takeover"),
    "takes-client-bits-without-offer": offers("permessage-deflate", AnyAnswer),
    "takes-any-window-bits": AnyBits,
    "takes-window-bits-7": bits("[0-7]"),
    "takes-window-bits-16": bits("1[6-9]|[2-9][0-9]+"),
    "takes-window-bits-with-zero": bits("0[0-9]+"),
    "takes-window-bits-without-value": bits(""),
    "takes-window-bits-no-number": bits("[a-z-].*|.*[.].*"),
    "takes-any-answer": offers(
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10", AnyAnswer
    ),
    "takes-answer-with-bigger-server-window": offers(
        "permessage-deflate; server_max_window_bits=10",
        has(keeps_server_bits=lambda self, offer, values: True),
    ),
    "takes-answer-with-bigger-client-window": offers(
        "permessage-deflate; client_max_window_bits=10",
        has(keeps_client_bits=lambda self, offer, values: True),
    ),
}
