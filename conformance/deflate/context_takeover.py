"""RFC 7692, sections 7.1.1, 7.1.2, 7.2.1 and 7.2.2: windows, and what is taken over in them."""

import random

from sockproof.conformance import RSV1, Opcode, Unsupported, case, client_frame
from sockproof.wire.deflate import Compressor

NEEDS = {"permessage-deflate", "echo"}
NOISE = random.Random(7692).randbytes(40_000)


# The client's side: what the server has to keep in order to inflate.


@case("rfc7692-7.2.3.2-shared-window", needs=NEEDS)
async def example_of_a_shared_window_is_hello_again(target):
    socket = await target.connect_deflate()
    _taken_over(socket)
    for payload in ("f2 48 cd c9 c9 07 00", "f2 00 11 00 00"):
        socket.send(client_frame(Opcode.TEXT, bytes.fromhex(payload), rsv=RSV1))
        await socket.expect_message("Hello")


@case("rfc7692-7.2.2-client-takeover", needs=NEEDS)
async def server_keeps_the_window_from_message_to_message(target):
    socket = await target.connect_deflate()
    _taken_over(socket)
    compressor = Compressor(socket.deflate.client_max_window_bits)
    for _ in range(3):
        await _echo(socket, compressor, NOISE[:200])


@case("rfc7692-7.2.2-client-takeover", needs=NEEDS)
async def server_keeps_the_window_over_many_messages(target):
    socket = await target.connect_deflate()
    _taken_over(socket)
    compressor = Compressor(socket.deflate.client_max_window_bits)
    messages = 40
    for _ in range(messages):
        payload = compressor.compress(NOISE[:200])
        socket.send(client_frame(Opcode.BINARY, payload, rsv=RSV1))
    for _ in range(messages):
        await socket.expect_message(NOISE[:200])


@case("rfc7692-7.2.2-client-takeover", needs=NEEDS, over={"between": ["a-ping", "40000-octets"]})
async def server_keeps_the_window_whatever_comes_between(target, between):
    """A Ping is no part of it; a message that is longer than the window fills it anew."""
    socket = await target.connect_deflate()
    _taken_over(socket)
    compressor = Compressor(socket.deflate.client_max_window_bits)
    for _ in range(3):
        await _echo(socket, compressor, NOISE[-200:])
        if between == "a-ping":
            await socket.fence()
        else:
            await _echo(socket, compressor, NOISE)


@case("rfc7692-7.2.2-client-no-takeover", needs=NEEDS)
async def messages_with_empty_windows_are_inflated(target):
    offer = "permessage-deflate; client_no_context_takeover"
    socket = await target.connect_deflate(offer)
    compressor = Compressor(socket.deflate.client_max_window_bits, context_takeover=False)
    for _ in range(3):
        await _echo(socket, compressor, NOISE[:200] * 2)


@case("rfc7692-7.2.2-client-takeover", needs=NEEDS)
async def offered_client_flag_counts_only_when_it_is_answered(target):
    socket = await target.connect_deflate("permessage-deflate; client_no_context_takeover")
    agreed = socket.deflate
    takeover = not agreed.client_no_context_takeover
    compressor = Compressor(agreed.client_max_window_bits, takeover)
    for _ in range(3):
        await _echo(socket, compressor, NOISE[:200])


@case("rfc7692-7.2.2-client-window-default", needs=NEEDS)
async def offered_client_window_counts_only_when_it_is_answered(target):
    socket = await target.connect_deflate("permessage-deflate; client_max_window_bits=10")
    bits = socket.deflate.client_max_window_bits
    far = NOISE[: min(20_000, (1 << bits) - 300)]
    await _echo(socket, Compressor(bits), far + far)


@case("rfc7692-7.2.2-client-window-default", needs=NEEDS, over={"across": ["one", "two"]})
async def server_inflates_with_a_window_of_32768_octets(target, across):
    socket = await target.connect_deflate()
    compressor = Compressor(socket.deflate.client_max_window_bits)
    far = NOISE[:32_000]  # what zlib still refers back to
    if across == "one":
        await _echo(socket, compressor, far + far)
    else:
        _taken_over(socket)
        await _echo(socket, compressor, far)
        await _echo(socket, compressor, far)


@case("rfc7692-7.2.2-client-window", needs=NEEDS, over={"bits": [9, 10, 11, 12, 13, 14]})
async def server_inflates_with_the_window_agreed(target, bits):
    offer = f"permessage-deflate; client_max_window_bits={bits}"
    socket = await target.connect_deflate(offer)
    agreed = socket.deflate.client_max_window_bits
    far = NOISE[: (1 << agreed) - 300]  # zlib refers back as far as its window less 262 octets
    await _echo(socket, Compressor(agreed), far * 3)


# The server's side: what the peer inflates with just the window that was agreed on.


@case("rfc7692-7.2.1-server-no-takeover", needs=NEEDS)
async def server_begins_each_message_with_an_empty_window(target):
    offer = "permessage-deflate; server_no_context_takeover"
    socket = await target.connect_deflate(offer)
    for _ in range(3):
        socket.send_message(Opcode.BINARY, NOISE[:200])
        await socket.expect_message(NOISE[:200])


@case(
    "rfc7692-7.2.1-server-window",
    needs=NEEDS,
    over={"bits": [9, 10, 11, 12, 13, 14], "across": ["one", "two"]},
)
async def server_refers_back_no_further_than_agreed(target, bits, across):
    offer = f"permessage-deflate; server_max_window_bits={bits}"
    socket = await target.connect_deflate(offer)
    far = NOISE[: (1 << bits) * 3 // 2]
    for content in [far + far] if across == "one" else [far, far]:
        socket.send_message(Opcode.BINARY, content)
        await socket.expect_message(content)


@case("rfc7692-7.2.1-server-takeover", needs=NEEDS)
async def server_takes_its_window_over_or_not(target):
    socket = await target.connect_deflate()
    for _ in range(3):
        socket.send_message(Opcode.BINARY, NOISE[:200])
        await socket.expect_message(NOISE[:200])


async def _echo(socket, compressor, content):
    socket.send(client_frame(Opcode.BINARY, compressor.compress(content), rsv=RSV1))
    await socket.expect_message(content)


def _taken_over(socket):
    """Whether the client's window may be taken over; a server is free to forbid it unasked."""
    if socket.deflate.client_no_context_takeover:
        wanted = "context takeover on the client's side"
        raise Unsupported(wanted, "the server answers client_no_context_takeover")
