// The scheme of ws' compliance script, written anew from its documentation: it knows nothing of
// sockproof, takes one connection after the other, and ends when the last report is written.
"use strict";
const WebSocket = require("ws");

const server = `ws://127.0.0.1:${process.argv[2]}`;
const agent = "ws-compliance";
let count = 0;
let current = 1;

function next() {
  if (current > count) {
    new WebSocket(`${server}/updateReports?agent=${agent}`);
    return;
  }
  const socket = new WebSocket(`${server}/runCase?case=${current}&agent=${agent}`);
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", () => {});
  socket.on("close", () => {
    current += 1;
    process.nextTick(next);
  });
}

const asking = new WebSocket(`${server}/getCaseCount`);
asking.on("message", (data) => (count = Number(data)));
asking.on("close", () => count > 0 && next());
