"""TLS in front of a target that has none: `tls_relay.py PORT OWN FILE`.

It prints the port that it listens on: OWN, which several relays may share, or with 0 any free one.
FILE is the certificate that it shows, with its key, made by `certificate`.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

import trustme


def certificate(folder: Path) -> tuple[Path, Path]:
    """A new certificate for 127.0.0.1 with its key, and that of the authority that vouches."""
    authority = trustme.CA()
    shown, vouches = folder / "relay.pem", folder / "authority.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(shown))
    authority.cert_pem.write_to_path(str(vouches))
    return shown, vouches


async def serve(port: int, own: int, shown: str) -> None:
    """Relay until this is killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pass_on(reader, asks), _pass_on(answers, writer))

    server = await asyncio.start_server(
        relay, "127.0.0.1", own, ssl=context, backlog=4096, reuse_port=True
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()
    except OSError:
        pass  # it was cut off: so is the other side
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
