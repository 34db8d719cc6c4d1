// The WebSocket part of the target contract, on node's `ws` as it comes.
"use strict";
const fs = require("node:fs");
const https = require("node:https");
const { parseArgs } = require("node:util");
const { WebSocketServer } = require("ws");

const MAX_MESSAGE = 16 * 1024 * 1024; // octets; declared as max_message in target.toml
const MAX_PUSH = 100000;

const { values } = parseArgs({
  options: { port: { type: "string" }, certificate: { type: "string" }, key: { type: "string" } },
});

// Without TLS `ws` makes the HTTP server itself, as most of its users have it do.
const server = values.certificate
  ? https.createServer({ cert: fs.readFileSync(values.certificate), key: fs.readFileSync(values.key) })
  : null;
const where = { host: "127.0.0.1", port: Number(values.port) };
const sockets = new WebSocketServer({
  ...(server ? { server } : where),
  maxPayload: MAX_MESSAGE,
  perMessageDeflate: true,
  // `proof.v2` before `proof.v1`; none when neither is offered.
  handleProtocols: (offered) => ["proof.v2", "proof.v1"].find((name) => offered.has(name)) ?? false,
});

sockets.on("connection", (socket, request) => {
  const url = new URL(request.url, "ws://localhost");
  const query = (name, fallback) => Number(url.searchParams.get(name) ?? fallback);
  let asked = url.pathname === "/headers";
  socket.on("error", () => {}); // the peer broke a rule; `ws` has closed the connection
  socket.on("message", (data, isBinary) => {
    if (asked) {
      asked = false;
      socket.send(JSON.stringify(request.headers));
      return;
    }
    socket.send(data, { binary: isBinary });
  });
  if (url.pathname === "/push") {
    const size = Math.min(query("size", 8), MAX_MESSAGE);
    for (let number = 0; number < Math.min(query("count", 1), MAX_PUSH); number += 1) {
      const message = Buffer.alloc(Math.max(size, 8));
      message.writeBigUInt64BE(BigInt(number));
      socket.send(message.subarray(0, size));
    }
  } else if (url.pathname === "/close") {
    socket.close(query("code", 1000), url.searchParams.get("reason") ?? "");
  }
});

for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
if (server) server.listen(where);
