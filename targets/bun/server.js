// The WebSocket part of the target contract, on Bun's own server as it comes.
const MAX_MESSAGE = 16 * 1024 * 1024; // octets; declared as max_message in target.toml
const MAX_PUSH = 100000;
const [port, certificate, key] = process.argv.slice(2);

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  ...(certificate ? { tls: { cert: Bun.file(certificate), key: Bun.file(key) } } : {}),
  fetch(request, server) {
    const url = new URL(request.url);
    const offered = (request.headers.get("sec-websocket-protocol") ?? "").split(/\s*,\s*/);
    const chosen = ["proof.v2", "proof.v1"].find((name) => offered.includes(name));
    const headers = chosen ? { "Sec-WebSocket-Protocol": chosen } : {};
    const data = { url, fields: Object.fromEntries(request.headers), asked: url.pathname === "/headers" };
    if (server.upgrade(request, { data, headers })) return undefined;
    return new Response("a WebSocket server\n", { status: 400 });
  },
  websocket: {
    maxPayloadLength: MAX_MESSAGE,
    perMessageDeflate: true,
    open(socket) {
      const query = socket.data.url.searchParams;
      if (socket.data.url.pathname === "/push") {
        const size = Math.min(Number(query.get("size") ?? 8), MAX_MESSAGE);
        for (let number = 0; number < Math.min(Number(query.get("count") ?? 1), MAX_PUSH); number += 1) {
          const message = Buffer.alloc(Math.max(size, 8));
          message.writeBigUInt64BE(BigInt(number));
          socket.send(message.subarray(0, size));
        }
      } else if (socket.data.url.pathname === "/close") {
        socket.close(Number(query.get("code") ?? 1000), query.get("reason") ?? "");
      }
    },
    message(socket, message) {
      const { asked, fields } = socket.data;
      socket.data.asked = false;
      socket.send(asked ? JSON.stringify(fields) : message);
    },
  },
});

process.on("SIGTERM", () => process.exit(0));
