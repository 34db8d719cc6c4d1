// What node's clients make of messages from a server: one JSON line in, one out, in order.
// In: {"codec": "engineio" | "payload" | "socketio", "messages": [text or {"octets": base64}]}
// Out: null where the client refuses them, else true.
const { decodePacket, decodePayload } = require("engine.io-parser");
const { Decoder } = require("socket.io-parser");

const message = (each) => (typeof each === "string" ? each : Buffer.from(each.octets, "base64"));

const readers = {
  engineio: (messages) => messages.every((each) => decodePacket(each).type !== "error"),
  payload: ([body]) => decodePayload(body).every((each) => each.type !== "error"),
  socketio: (messages) => {
    const decoder = new Decoder();
    let packets = 0;
    decoder.on("decoded", () => packets++);
    messages.forEach((each) => decoder.add(each));
    return packets > 0;
  },
};

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { codec, messages } = JSON.parse(line);
    let taken = false;
    try {
      taken = readers[codec](messages.map(message));
    } catch {
      // the client disconnects with a parse error
    }
    console.log(taken ? "true" : "null");
  });
