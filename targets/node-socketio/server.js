// The Socket.IO part of the target contract: node's `socket.io` as it comes.
"use strict";
const path = require("node:path");
const { createServer } = require("node:http");
const { parseArgs } = require("node:util");
const { Server } = require("socket.io");

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    fixture: { type: "string" },
    "ping-interval": { type: "string", default: "25" }, // seconds
    "ping-timeout": { type: "string", default: "20" },
    recovery: { type: "boolean", default: false }, // of the state of a connection
  },
});

const server = createServer((request, response) => response.writeHead(404).end("not found\n"));
const io = new Server(server, {
  pingInterval: Number(values["ping-interval"]) * 1000,
  pingTimeout: Number(values["ping-timeout"]) * 1000,
  ...(values.recovery && { connectionStateRecovery: {} }),
});
require(path.resolve(values.fixture)).install(io);

for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
server.listen(Number(values.port), "127.0.0.1");
