"""Real proxies on this machine, each of which goes out from an address of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sockproof.targets.certificates import Certificates
from sockproof.targets.launch import free_port
from tests.load.peers import Server, relay
from tests.load.test_endpoint import tls
from tests.waiting import SOON, until_it_listens

USER, PASSWORD = "somebody", "canaryProxy9word"
SOCKS, HTTP = "127.0.0.31", "127.0.0.32"  # where tunnels go out from


@dataclass(frozen=True)
class Proxies:
    """Where they listen: an HTTP proxy, plain and behind TLS, and one for SOCKS 5."""

    http: int
    socks: int
    tls: int

    def url(self, scheme: str, login: str = f"{USER}:{PASSWORD}@") -> str:
        port = {"http": self.http, "https": self.tls}.get(scheme, self.socks)
        return f"{scheme}://{login}127.0.0.1:{port}"

    @staticmethod
    def address(scheme: str) -> str:
        return SOCKS if scheme.startswith("socks") else HTTP


@contextlib.contextmanager
def _running(program: str, port: int, *words: str) -> Iterator[None]:
    process = subprocess.Popen(
        [program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until_it_listens(process, port)
        yield
    finally:
        process.terminate()
        process.wait(SOON)


@contextlib.contextmanager
def proxies(folder: Path, certificates: Certificates) -> Iterator[Proxies]:
    """microsocks and tinyproxy, which want user and password."""
    for program in ("microsocks", "tinyproxy"):
        if shutil.which(program) is None:
            if os.environ.get("SOCKPROOF_REQUIRE_TARGETS"):
                raise AssertionError(f"{program} is not installed")
            pytest.skip(f"{program} is not installed")
    http, socks = free_port(), free_port()
    file = folder / "tinyproxy.conf"
    lines = [f"Port {http}", "Listen 127.0.0.1", f"Bind {HTTP}", "MaxClients 200", "Timeout 600"]
    file.write_text("\n".join([*lines, f"BasicAuth {USER} {PASSWORD}", ""]))
    login = ["-u", USER, "-P", PASSWORD]
    with (
        _running("tinyproxy", http, "-d", "-c", str(file)),
        _running("microsocks", socks, "-i", "127.0.0.1", "-p", str(socks), "-b", SOCKS, *login),
        Server(relay(http), context=tls(certificates)) as secured,
    ):
        yield Proxies(http, socks, secured.port)
