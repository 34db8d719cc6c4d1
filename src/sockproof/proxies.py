"""Which proxy leads to a server: what was given, or what the environment says.

The rules that hold here:

* Variables mean what they mean to curl and to Python's clients: `ws_proxy` and `wss_proxy` where
  they are set, else `http_proxy` and `https_proxy`, else `all_proxy`, but for hosts that
  `no_proxy` names: domains, addresses and networks.
* No variable leads to this machine through a proxy, as in browsers and in Go: what is given does.
* Whatever is chosen, or passed over, there is a line that says so.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from urllib.request import getproxies, proxy_bypass

from sockproof.wire.proxy import Proxy, ProxyUrlError
from sockproof.wire.url import Address, AddressError


@dataclass(frozen=True, slots=True)
class Choice:
    """A proxy or none, and a line about it; empty where there is nothing to say."""

    proxy: Proxy | None = None
    said: str = ""


def choose(given: str | None, tls: bool, host: str, port: int) -> Choice:
    """The proxy for a server; raises `ProxyUrlError`."""
    if given:
        proxy = Proxy.parse(given)
        return Choice(proxy, f"connecting through the proxy {proxy.shown}")
    found = variable(tls)
    if found is None:
        return Choice()
    name, value = found
    why = _why_not(host, port)
    if why:
        return Choice(said=f"{name} is ignored: {why}")
    try:
        proxy = Proxy.parse(value)
    except ProxyUrlError as error:
        raise ProxyUrlError(f"{name}: {error}") from None
    return Choice(proxy, f"connecting through the proxy {proxy.shown} ({name})")


def ignored_proxy(url: str) -> str | None:
    """The variable that names a proxy to a server, for who connects directly all the same."""
    try:
        address = Address.parse(url)
    except AddressError:
        return None
    found = variable(address.tls)
    return None if found is None or _why_not(address.host, address.port) else found[0]


def variable(tls: bool) -> tuple[str, str] | None:
    """The variable that names a proxy for such URLs, and its value."""
    proxies = getproxies()
    schemes = ("wss", "https", "all") if tls else ("ws", "http", "all")
    scheme = next((each for each in schemes if proxies.get(each)), None)
    if scheme is None:
        return None
    name = f"{scheme}_proxy"
    return name if os.environ.get(name) else name.upper(), proxies[scheme]


def _why_not(host: str, port: int) -> str:
    no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    address = _address(host)
    if proxy_bypass(f"{host}:{port}") or (address is not None and _is_within(address, no_proxy)):
        return f"no_proxy names {host}"
    is_here = host.lower().rstrip(".") == "localhost" or host.lower().endswith(".localhost")
    if is_here or (address is not None and address.is_loopback):
        return f"{host} is this machine (--proxy connects through a proxy all the same)"
    return ""


_NO_BRACKETS = str.maketrans("", "", "[]")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_within(address: _Address, no_proxy: str) -> bool:
    """Whether a list of names has a network of this address, as urllib's does not."""
    for each in filter(None, map(str.strip, no_proxy.split(","))):
        try:
            if address in ipaddress.ip_network(each.translate(_NO_BRACKETS), strict=False):
                return True
        except ValueError:
            continue
    return False
