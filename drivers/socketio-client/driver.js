// socket.io-client as it comes, with what the contract says that its application does. The same in
// node, in Bun and in a page.
"use strict";

// Octets as reports and operations have them.
function pack(key, value) {
  const held = this[key]; // before node's own toJSON
  if (held instanceof ArrayBuffer) return { $bin: [...new Uint8Array(held)] };
  if (!ArrayBuffer.isView(held)) return value;
  return { $bin: [...new Uint8Array(held.buffer, held.byteOffset, held.byteLength)] };
}
const unpack = (key, value) =>
  Array.isArray(value?.$bin) ? new Uint8Array(value.$bin).buffer : value;

// Starts a case's client; what it gives back disposes of it.
function start(io, url, agent, told) {
  const { path, transports, reconnect: reconnection, timeout_ms: timeout } = told;
  const manager = new io.Manager(url, { path, transports, reconnection, timeout, autoConnect: false });
  const sockets = new Map();
  const upon = new Map();

  let telling = Promise.resolve();
  const seen = (type, fields) => {
    const body = JSON.stringify({ type, ...fields }, pack);
    const where = `${url}/seen?agent=${encodeURIComponent(agent)}&case=${told.case}`;
    telling = telling.then(() => fetch(where, { method: "POST", body })).catch(() => {});
    const key = `${type} ${fields.namespace}`;
    const ops = upon.get(key) ?? [];
    upon.delete(key);
    ops.forEach((asked) => act(fields.namespace, asked));
  };

  const listen = (namespace) => {
    const socket = manager.socket(namespace, { auth: told.auth ?? undefined });
    sockets.set(namespace, socket);
    socket.on("connect", () => seen("connect", { namespace }));
    socket.on("connect_error", ({ message, data }) =>
      seen("connect_error", { namespace, data: { message, data } }));
    socket.on("disconnect", (reason) => seen("disconnect", { namespace, reason }));
    socket.onAny((name, ...args) =>
      seen("event", { namespace, name, args: args.filter((each) => typeof each !== "function") }));
    socket.on("message", (...args) => socket.emit("message-back", ...args));
    socket.on("message-with-ack", (...args) => {
      if (typeof args.at(-1) === "function") args.pop()(...args); // it may not have been asked for
    });
    socket.on("do", (asked) => act(namespace, JSON.parse(JSON.stringify(asked), unpack)));
    socket.connect();
  };

  const act = (here, asked) => {
    const { op, event, args = [], timeout_ms: limit, namespace = here, ops = [] } = asked;
    const socket = sockets.get(namespace);
    const acts = {
      emit: () => socket.emit(event, ...args),
      "emit-with-ack": () =>
        socket.timeout(limit).emit(event, ...args, (error, ...answer) =>
          error ? seen("ack-timeout", {}) : seen("ack", { args: answer, asked: args })),
      connect: () => (socket ? socket.connect() : listen(namespace)),
      disconnect: () => socket.disconnect(),
      close: () => sockets.forEach((each) => each.disconnect()),
      several: () => ops.forEach((each) => act(here, each)),
      upon: () => upon.set(`${asked.report} ${namespace}`, ops),
    };
    if (Object.hasOwn(acts, op)) acts[op]();
    else seen("unsupported", { op });
  };

  told.namespaces.forEach(listen);
  return () => sockets.forEach((each) => each.disconnect());
}

// `renew` is told of each case where a page is loaded anew for it, which disposes of all before.
async function drive(io, url, agent, renew = null) {
  let dispose = () => {};
  for (;;) {
    const said = await fetch(`${url}/next?agent=${encodeURIComponent(agent)}`);
    if (said.status === 204) return;
    if (!said.ok) throw new Error(`/next is answered with ${said.status}`);
    const told = await said.json();
    if (renew) await renew(told);
    dispose();
    dispose = start(io, url, agent, told);
  }
}

if (typeof document === "undefined") {
  const { SOCKPROOF_URL: url, SOCKPROOF_AGENT: agent } = process.env;
  drive(require("socket.io-client"), url, agent).then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
}
