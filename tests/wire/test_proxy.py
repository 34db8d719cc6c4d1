"""What is said to proxies, octet by octet, and what their answers come to."""

from __future__ import annotations

import base64

import pytest

from sockproof.wire.proxy import MAX_HEAD, Proxy, ProxyError, ProxyUrlError, Tunnel

OPEN5 = b"\5\0\0\1\x7f\0\0\1\0\x50"
LOGIN = base64.b64encode(b"user:p@ss:wo%rd")
ASKED = b"CONNECT far.example:81 HTTP/1.1\r\nHost: far.example:81\r\n"
NAMED = b"\5\1\0\3\x0bfar.example\0\x51"


def said(url: str, *answers: bytes, host: str = "far.example") -> list[bytes]:
    """What is sent before and after each answer, which comes octet by octet."""
    tunnel = Tunnel(Proxy.parse(url), host, 81)
    found = [tunnel.begin()]
    for answer in answers:
        assert not tunnel.is_open
        replies = [tunnel.feed(bytes((octet,))) for octet in answer]
        assert not any(replies[:-1])
        found.append(replies[-1])
    assert tunnel.is_open
    return found


@pytest.mark.parametrize(
    ("url", "answers", "sent"),
    [
        ("http://p", [b"HTTP/1.0 200 yes\r\n\r\n"], [ASKED + b"\r\n"]),
        (
            "http://user:p%40ss%3Awo%25rd@p",
            [b"HTTP/1.1 103 Wait\r\n\r\nHTTP/1.1 200\r\nContent-Length: 9\r\n\r\n"],
            [ASKED + b"Proxy-Authorization: Basic " + LOGIN + b"\r\n\r\n"],
        ),
        ("socks5h://p", [b"\5\0", b"\5\0\0\3\3abc\0\0"], [b"\5\1\0", NAMED]),
        (
            "socks5h://us%65r:word@p",
            [b"\5\2", b"\1\0", b"\5\0\0\4" + bytes(18)],
            [b"\5\2\0\2", b"\1\4user\4word", NAMED],
        ),
        ("socks5h://user:word@p", [b"\5\0", OPEN5], [b"\5\2\0\2", NAMED]),
        ("socks4a://me@p", [b"\0\x5a" + bytes(6)], [b"\4\1\0\x51\0\0\0\1me\0far.example\0"]),
    ],
)
def test_tunnel_is_made(url: str, answers: list[bytes], sent: list[bytes]) -> None:
    assert said(url, *answers) == [*sent, b""]


@pytest.mark.parametrize(
    ("host", "sent"),
    [
        ("127.0.0.1", b"\5\1\0\1\x7f\0\0\1\0\x51"),
        ("::1", b"\5\1\0\4" + bytes(15) + b"\1\0\x51"),
        ("grüße.example", b"\5\1\0\3\x19xn--gre-6ka8i.example"[:6]),
    ],
)
def test_addresses_are_sent_as_such(host: str, sent: bytes) -> None:
    told = said("socks5://p", b"\5\0", OPEN5, host=host)[1]
    assert told == sent or (told.startswith(b"\5\1\0\3") and b"xn--" in told)
    assert said("socks4://p", b"\0\x5a" + bytes(6), host="127.0.0.1")[0] == (
        b"\4\1\0\x51\x7f\0\0\1\0"
    )
    with pytest.raises(ProxyError, match="no name"):
        Tunnel(Proxy.parse("socks5h://p"), "a" * 300, 81)


HEAD = b"HTTP/1.1 "
ENOUGH = b"X: " + b"a" * MAX_HEAD
REFUSALS = [
    ("http", [HEAD + b"407 Who\r\n\r\n"], "the proxy answered 407 Who (user and password", False),
    ("http", [HEAD + b"403 No\r\n\r\n"], "the proxy answered 403 No", False),
    ("http", [HEAD + b"301 Go\r\n\r\n"], "the proxy answered 301 Go", False),
    ("http", [HEAD + b"502 Bad\r\n\r\n"], "the proxy cannot reach the server: 502 Bad", True),
    ("http", [b"SSH-2.0-x\r\n\r\n"], "the proxy's answer cannot be read: not an HTTP", False),
    ("http", [HEAD + b"200 OK\r\n" + ENOUGH], "the head is longer than 65536 octets", False),
    ("http", [(HEAD + b"100 on\r\n\r\n") * 101], "more than 100 interim", False),
    ("http", [HEAD + b"200 OK\r\n\r\nmore"], "octets behind its answer", False),
    ("socks5", [b"HT"], "does not speak SOCKS 5", False),
    ("socks5", [b"\5\xff"], "accepts no login that is offered (user and password", False),
    ("socks5", [b"\5\2"], "chose a login that was not offered: 2", False),
    ("socks5", [b"\5\0", b"\4\0"], "does not speak SOCKS 5", False),
    ("socks5", [b"\5\0", b"\5\1"], "refuses: general failure (SOCKS 5, reply 1)", False),
    ("socks5", [b"\5\0", b"\5\2"], "refuses: its rules do not allow this", False),
    ("socks5", [b"\5\0", b"\5\3"], "cannot reach the server: network unreachable", True),
    ("socks5", [b"\5\0", b"\5\4"], "cannot reach the server: host unreachable", True),
    ("socks5", [b"\5\0", b"\5\5"], "cannot reach the server: connection refused", True),
    ("socks5", [b"\5\0", b"\5\6"], "cannot reach the server: TTL expired", True),
    ("socks5", [b"\5\0", b"\5\7"], "does not support this command", False),
    ("socks5", [b"\5\0", b"\5\x08"], "does not support this type of address", False),
    ("socks5", [b"\5\0", b"\5\x63"], "refuses: unknown (SOCKS 5, reply 99)", False),
    ("socks5", [b"\5\0", b"\5\0\0\2\0"], "unknown type of address: 2", False),
    ("socks5", [b"\5\0", OPEN5 + b"more"], "octets behind its answer", False),
    ("socks4", [b"\0\x5b"], "refuses: rejected, or failed (SOCKS 4, reply 91)", False),
    ("socks4", [b"\0\x5d"], "identd names another user", False),
    ("socks4", [b"\5\xff"], "does not speak SOCKS 4", False),
]


@pytest.mark.parametrize(("scheme", "answers", "text", "is_targets"), REFUSALS)
def test_refusal_is_one_line(
    scheme: str, answers: list[bytes], text: str, is_targets: bool
) -> None:
    tunnel = Tunnel(Proxy.parse(f"{scheme}://p"), "127.0.0.1", 81)
    *others, last = answers
    for answer in others:
        tunnel.feed(answer)
    with pytest.raises(ProxyError) as refused:
        tunnel.feed(last)
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.is_targets == is_targets


def test_login_that_is_refused_names_no_password() -> None:
    for scheme, answers in (
        ("http", [HEAD + b"407 Who\r\n\r\n"]),
        ("socks5", [b"\5\2", b"\1\1"]),
    ):
        proxy = Proxy.parse(f"{scheme}://user:secret@p")
        assert "secret" not in f"{proxy} {proxy.shown}"
        tunnel = Tunnel(proxy, "127.0.0.1", 81)
        *others, last = answers
        for answer in others:
            tunnel.feed(answer)
        with pytest.raises(ProxyError, match="user and password of its URL") as refused:
            tunnel.feed(last)
        assert "secret" not in str(refused.value)


def test_urls_of_proxies() -> None:
    found = Proxy.parse("proxy.example:3128")
    assert (found.scheme, found.host, found.port, found.login) == (
        *("http", "proxy.example", 3128),
        (b"", b""),
    )
    for scheme, port in (("http", 80), ("https", 443), ("socks5", 1080)):
        assert Proxy.parse(f"{scheme}://[::1]").port == port
    for url in (
        *("ftp://user:secret@p", "http://", "http://user:secret@:80", "http://p:secret"),
        *("http://user:secret@p/path", "http://p/?secret=secret", "http://p q", "secret://p"),
        f"socks5://user:{'secret' * 50}@p",
    ):
        with pytest.raises(ProxyUrlError) as wrong:
            Proxy.parse(url)
        assert "secret" not in str(wrong.value).replace("secret=***", "")
