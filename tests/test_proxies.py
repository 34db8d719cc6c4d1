"""Which variable of the environment names the proxy to a server, and where none counts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sockproof.proxies import choose
from sockproof.wire.proxy import ProxyUrlError
from tests.waiting import LIMIT

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ws_proxy", "wss_proxy")
FAR, HERE = ("far.example", 80), ("127.0.0.1", 80)
P = "http://user:secret@p:1"


@pytest.mark.parametrize(
    ("tls", "where", "variables", "shown", "said"),
    [
        (False, FAR, {"http_proxy": P}, "http://***@p:1", "http_proxy"),
        (False, FAR, {"HTTP_PROXY": "p:1"}, "http://p:1", "HTTP_PROXY"),
        (True, FAR, {"HTTPS_PROXY": P}, "http://***@p:1", "HTTPS_PROXY"),
        (True, FAR, {"all_proxy": "socks5h://p"}, "socks5h://p", "all_proxy"),
        (True, FAR, {"wss_proxy": "http://w", "https_proxy": P}, "http://w", "wss_proxy"),
        (False, FAR, {"ws_proxy": "http://w", "ALL_PROXY": P}, "http://w", "ws_proxy"),
        (False, FAR, {"https_proxy": P}, None, ""),
        (False, FAR, {"http_proxy": ""}, None, ""),
        (False, FAR, {"http_proxy": P, "NO_PROXY": ".example"}, None, "no_proxy names far"),
        (False, FAR, {"http_proxy": P, "no_proxy": "far.example:80"}, None, "no_proxy names"),
        (False, FAR, {"http_proxy": P, "no_proxy": "ar.example"}, "http://***@p:1", "http_proxy"),
        (False, FAR, {"http_proxy": P, "no_proxy": "*"}, None, "no_proxy names"),
        (False, ("10.1.2.3", 80), {"http_proxy": P, "no_proxy": "a, 10.0.0.0/8"}, None, "names"),
        (False, ("fd00::7", 80), {"http_proxy": P, "no_proxy": "[fd00::]/8"}, None, ""),
        (
            False,
            ("10.1.2.3", 80),
            {"http_proxy": P, "no_proxy": "11.0.0.0/8"},
            "http://***@p:1",
            "",
        ),
        (False, HERE, {"http_proxy": P}, None, "http_proxy is ignored: 127.0.0.1 is this machine"),
        (False, ("localhost", 1), {"http_proxy": "no such"}, None, "localhost is this machine"),
        (False, ("::1", 1), {"http_proxy": P}, None, "::1 is this machine"),
    ],
)
def test_environment(
    tls: bool,
    where: tuple[str, int],
    variables: dict[str, str],
    shown: str | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = choose(None, tls, *where)
    assert (found.proxy and found.proxy.shown) == shown
    assert said in found.said
    assert "secret" not in found.said
    given = choose("socks5://own:1", tls, *where)  # counts wherever it leads
    assert given.proxy is not None
    assert given.proxy.shown == "socks5://own:1"


@pytest.mark.parametrize(("host", "is_said"), [("far.invalid", True), ("127.0.0.1", False)])
def test_conformance_says_that_it_connects_directly(
    host: str, is_said: bool, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sockproof", "conformance", f"ws://{host}:1/"],
        env={**os.environ, "http_proxy": P, "no_proxy": ""},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert ("http_proxy is ignored" in done.stderr) == is_said
    assert "secret" not in done.stderr


def test_value_of_no_use_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "gopher://user:secret@p")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ProxyUrlError, match="https_proxy: a proxy's URL begins with") as wrong:
        choose(None, True, *FAR)
    assert "secret" not in str(wrong.value)
