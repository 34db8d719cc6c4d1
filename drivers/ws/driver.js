// ws as it comes: each message goes back as it came.
"use strict";
const WebSocket = require("ws");

const { SOCKPROOF_URL: url, SOCKPROOF_AGENT: agent } = process.env;

// What the server says there, once the connection has ended in whatever way.
function asked(path) {
  return new Promise((resolve) => {
    let said = "";
    const socket = new WebSocket(`${url}/${path}`);
    socket.on("message", (data) => (said = data.toString()));
    socket.on("error", () => {});
    socket.on("close", () => resolve(said));
  });
}

function run(path, subprotocols) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url}/${path}`, subprotocols);
    socket.on("message", (data, binary) => socket.send(data, { binary }));
    socket.on("error", () => {}); // what the library says is the end of it
    socket.on("close", resolve);
  });
}

(async () => {
  const count = Number(await asked("getCaseCount"));
  if (!count) process.exit(1);
  for (let number = 1; number <= count; number += 1) {
    const info = JSON.parse(await asked(`getCaseInfo?case=${number}`));
    await run(`runCase?case=${number}&agent=${agent}`, info.subprotocols ?? []);
  }
  await asked(`updateReports?agent=${agent}`);
})();
