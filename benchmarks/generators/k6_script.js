// k6 with its event-loop WebSockets and Socket.IO framed by hand: one connection a virtual user.
// GENERATOR_URL, GENERATOR_MODE (echo, broadcast, idle) and GENERATOR_USERS come from outside.
// In `broadcast` the first user speaks again when it has heard itself.
import { WebSocket } from "k6/experimental/websockets";
import { Counter } from "k6/metrics";
import exec from "k6/execution";

const MODE = __ENV.GENERATOR_MODE;
const BODY = "0123456789abcdef".repeat(4);
const acknowledged = new Counter("acknowledged");
const receipts = new Counter("receipts");

export const options = {
  scenarios: {
    users: {
      executor: "per-vu-iterations",
      vus: Number(__ENV.GENERATOR_USERS),
      iterations: 1,
      maxDuration: "1h",
      gracefulStop: "0s",
    },
  },
};

export default function () {
  const socket = new WebSocket(__ENV.GENERATOR_URL);
  const speaks = MODE === "broadcast" && exec.vu.idInTest === 1;
  let id = 0;
  const ask = () => socket.send(`42${id++}["message-with-ack","${BODY}"]`);
  const speak = () => socket.send(`42["say-all","${BODY}"]`);
  socket.onmessage = (message) => {
    const data = message.data;
    if (data.startsWith("43")) {
      acknowledged.add(1);
      ask();
    } else if (data.startsWith("42")) {
      receipts.add(1);
      if (speaks) speak();
    } else if (data.startsWith("40")) {
      if (MODE === "echo") ask();
      if (speaks) speak();
    } else if (data === "2") {
      socket.send("3");
    } else if (data[0] === "0") {
      socket.send("40");
    }
  };
}

export function handleSummary(data) {
  const count = (name) => (data.metrics[name] ? data.metrics[name].values.count : 0);
  const counted = { acknowledged: count("acknowledged"), receipts: count("receipts") };
  return { stdout: JSON.stringify(counted) + "\n" };
}
