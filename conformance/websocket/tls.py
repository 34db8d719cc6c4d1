"""RFC 6455, sections 4.2.2, 7.1.1 and 10.6, with RFC 9325 and RFC 7301: WebSocket over TLS."""

import ssl
import warnings

from sockproof.conformance import Failure, Opcode, StreamClosed, Unsupported, case, close_frame

NEEDS = {"tls"}
OLD = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1}
ALPN = {"http/1.1": ["http/1.1"], "h2 and http/1.1": ["h2", "http/1.1"]}
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
SETTINGS = 4


@case("rfc6455-10.6-tls-certificate", needs=NEEDS)
async def certificate_chain_can_be_verified(target):
    context = _verifying(target)
    context.check_hostname = False
    await _connected(target, context, "a certificate chain up to an authority that is trusted")


@case("rfc6455-10.6-tls-certificate", needs=NEEDS)
async def certificate_names_the_host_of_the_url(target):
    context = _verifying(target)
    wanted = f"a certificate for {target.address.host}"
    with target.awaits(wanted):
        try:
            await target.tls_connection(context)
        except ssl.SSLCertVerificationError as error:
            if "mismatch" in error.verify_message:
                raise Failure(wanted, error.verify_message) from error


def _verifying(target):
    if not target.server.trust.verifies:
        raise Unsupported("a certificate that is to be judged", "--insecure says that none is")
    return target.server.trust.context()


async def _connected(target, context, wanted):
    with target.awaits(wanted):
        try:
            return await target.tls_connection(context)
        except ssl.SSLCertVerificationError as error:
            raise Failure(wanted, error.verify_message) from error
        except OSError as error:
            raise Failure(wanted, str(error) or type(error).__name__) from error


@case("rfc6455-10.6-tls-versions", needs=NEEDS)
async def tls_1_2_or_newer_is_spoken(target):
    peer = await _connected(target, _any_certificate(target), "TLS 1.2 or newer")
    version = peer.stream.tls.version()
    if version not in ("TLSv1.2", "TLSv1.3"):
        raise Failure("TLS 1.2 or newer", version)


@case("rfc6455-10.6-tls-versions", needs=NEEDS, over={"version": list(OLD)})
async def older_version_of_tls_is_refused(target, version):
    context = _any_certificate(target)
    context.set_ciphers("ALL:@SECLEVEL=0")  # else our own side would refuse first
    with warnings.catch_warnings():  # Python warns of their age, which is what this is about
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = OLD[version]
    wanted = f"a TLS handshake that fails, since {version} is the newest on offer"
    with target.awaits(wanted):
        try:
            peer = await target.tls_connection(context)
        except ssl.SSLError as error:
            if error.reason in ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE"):
                raise Unsupported(f"TLS {version} on our side", str(error.reason)) from error
        except OSError:
            pass
        else:
            raise Failure(wanted, f"{peer.stream.tls.version()} is spoken")


@case("rfc6455-10.6-tls-alpn", needs=NEEDS, over={"offer": list(ALPN)})
async def protocol_that_alpn_chose_is_spoken(target, offer):
    context = _any_certificate(target)
    context.set_alpn_protocols(ALPN[offer])
    peer = await _connected(target, context, "101 over HTTP/1.1")
    if peer.stream.tls.selected_alpn_protocol() == "h2":
        peer.send_octets(PREFACE, "the HTTP/2 preface")
        octets = await peer.octets("HTTP/2, which ALPN chose")
        if octets[3:4] != bytes([SETTINGS]):
            raise Failure("a SETTINGS frame of HTTP/2, which ALPN chose", repr(octets[:40]))
        return
    response = await peer.ask(target.upgrade_request(), "101 over HTTP/1.1")
    if response.status != 101:
        raise Failure("101 over HTTP/1.1", response)


@case("rfc6455-4.2.2-tls-first", needs=NEEDS)
async def plain_http_on_a_tls_port_opens_nothing(target):
    peer = await target.plain_connection()
    wanted = "no 101: the TLS handshake comes first"
    peer.send(target.upgrade_request())
    octets = await peer.octets(wanted)
    if octets.startswith(b"HTTP/1.1 101"):
        raise Failure(wanted, repr(octets[:40]))


@case("rfc6455-4.2.2-tls-failure", needs=NEEDS)
async def connection_whose_tls_handshake_fails_is_closed(target):
    peer = await target.plain_connection()
    hello = bytes.fromhex("16 03 01 00 05 01 00 00 01 ff")
    peer.send_octets(hello, "a ClientHello of one octet, which is none")
    with target.awaits("the end of the TCP connection, an alert before it or not"):
        while await peer.octets("the end of the TCP connection, an alert before it or not"):
            pass


@case("rfc6455-7.1.1-tls-clean", needs=NEEDS)
async def tls_ends_by_close_notify(target):
    """Read octet by octet through a TLS engine of our own, which tells the two ends apart."""
    carrier = await target.plain_connection()
    engine = TlsEngine(carrier.stream, _any_certificate(target), target.address.host)
    request = target.upgrade_request()
    with target.preparing("an open WebSocket over TLS", connecting=True):
        await engine.handshake()
        await engine.write(request.encode())
        while b"\r\n\r\n" not in (head := await engine.read()):
            pass
        if not head.startswith(b"HTTP/1.1 101"):
            raise Failure("101 Switching Protocols", repr(head[:40]))
    await engine.write(close_frame(1000).encode())
    wanted = "a Close frame, then close_notify, then the end of TCP"
    with target.awaits(wanted):
        before = len(head)
        while await engine.read() is not None:
            pass
    if engine.plain[before:][:1] != bytes([0x80 | Opcode.CLOSE]):
        raise Failure(wanted, repr(engine.plain[before:][:40]))
    if not engine.notified:
        raise Failure(wanted, "TCP ended without close_notify")


class TlsEngine:
    """A TLS client over a stream of octets; `notified` once close_notify has come."""

    def __init__(self, stream, context, host):
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.plain = b""  # all that was received
        self.notified = False

    async def handshake(self):
        """Shake hands; raises `ssl.SSLError`."""
        await self._carry(self._tls.do_handshake)

    async def write(self, octets):
        """Send octets."""
        self._tls.write(octets)
        self._stream.write(self._outgoing.read())
        await self._stream.flush()

    async def read(self):
        """All that has come up to now, after at least one octet more; None at the end."""
        try:
            piece = await self._carry(lambda: self._tls.read(65536))
        except StreamClosed:
            return None
        except ssl.SSLZeroReturnError:
            piece = b""
        self.notified = not piece
        self.plain += piece
        return self.plain if piece else None

    async def _carry(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._stream.write(self._outgoing.read())
                self._incoming.write(await self._stream.read())


def _any_certificate(target):
    """A context that judges no certificate, where something else is judged."""
    context = target.server.trust.context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
