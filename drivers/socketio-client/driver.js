// socket.io-client as it comes, with what the contract says that its application does. The same in
// node, in Bun and in a page.
"use strict";

function packed(value) {
  if (value instanceof ArrayBuffer) return { $bin: [...new Uint8Array(value)] };
  if (ArrayBuffer.isView(value)) {
    return { $bin: [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)] };
  }
  if (Array.isArray(value)) return value.map(packed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, packed(item)]));
}

function unpacked(value) {
  if (Array.isArray(value)) return value.map(unpacked);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value.$bin)) return new Uint8Array(value.$bin).buffer;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpacked(item)]));
}

// Starts a case's client; what it gives back disposes of it.
function start(io, url, agent, told) {
  let telling = Promise.resolve();
  const seen = (type, fields) => {
    const body = JSON.stringify({ type, ...fields });
    const where = `${url}/seen?agent=${encodeURIComponent(agent)}&case=${told.case}`;
    telling = telling.then(() => fetch(where, { method: "POST", body })).catch(() => {});
  };
  const { path, transports, reconnect: reconnection, auth, timeout_ms: timeout } = told;
  const options = { path, transports, reconnection, timeout, autoConnect: false };
  const manager = new io.Manager(url, options);
  const sockets = new Map();

  const upon = new Map();
  const toldOf = (type, fields) => {
    seen(type, fields);
    const key = `${type} ${fields.namespace}`;
    const ops = upon.get(key) ?? [];
    upon.delete(key);
    ops.forEach((asked) => act(fields.namespace, asked));
  };

  const listen = (namespace) => {
    const socket = manager.socket(namespace, { auth: auth ?? undefined });
    sockets.set(namespace, socket);
    socket.on("connect", () => toldOf("connect", { namespace }));
    socket.on("connect_error", (error) =>
      seen("connect_error", { namespace, data: { message: error.message, data: error.data } }));
    socket.on("disconnect", (reason) => toldOf("disconnect", { namespace, reason }));
    socket.onAny((name, ...args) => {
      const kept = args.filter((each) => typeof each !== "function");
      seen("event", { namespace, name, args: packed(kept) });
    });
    socket.on("message", (...args) => socket.emit("message-back", ...args));
    socket.on("message-with-ack", (...args) => {
      if (typeof args.at(-1) === "function") args.pop()(...args); // it may not have been asked for
    });
    socket.on("do", (asked) => act(namespace, asked));
    socket.connect();
  };

  const act = (here, asked) => {
    const { op, event, args = [], timeout_ms: limit, namespace = here, ops = [] } = asked;
    const socket = sockets.get(namespace);
    const values = unpacked(args);
    const acts = {
      emit: () => socket.emit(event, ...values),
      "emit-with-ack": () =>
        socket.timeout(limit).emit(event, ...values, (error, ...answer) =>
          error
            ? seen("ack-timeout", { event, asked: args })
            : seen("ack", { args: packed(answer), event, asked: args })),
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
