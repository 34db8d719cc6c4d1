// The WebSocket that a runtime or a page has of its own: each message goes back as it came.
"use strict";

// What the server says there, once the connection has ended in whatever way.
const asked = (url) =>
  new Promise((resolve) => {
    let said = "";
    const socket = new WebSocket(url);
    socket.onmessage = ({ data }) => (said = data);
    socket.onclose = () => resolve(said);
  });

const run = (url, subprotocols) =>
  new Promise((resolve) => {
    const socket = new WebSocket(url, subprotocols);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    // Where the handshake fails, undici 6 tells no `close`.
    socket.onerror = resolve;
    socket.onopen = () => (socket.onerror = null);
    socket.onclose = resolve;
  });

async function drive(url, agent) {
  const count = Number(await asked(`${url}/getCaseCount`));
  if (!count) throw new Error("the server says no number of cases");
  for (let number = 1; number <= count; number += 1) {
    const info = JSON.parse(await asked(`${url}/getCaseInfo?case=${number}`));
    await run(`${url}/runCase?case=${number}&agent=${agent}`, info.subprotocols ?? []);
  }
  await asked(`${url}/updateReports?agent=${agent}`);
}

if (typeof document === "undefined") {
  drive(process.env.SOCKPROOF_URL, process.env.SOCKPROOF_AGENT).then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
}
