// What a driver around socket.io-client or a browser's WebSocket does; the same in node and in a
// page. `io` is socket.io-client's, `say` tells one object.
"use strict";

const HEARD = ["auth", "message-back", "said"];

const packed = (value) => {
  if (value instanceof ArrayBuffer) return { $bin: [...new Uint8Array(value)] };
  if (ArrayBuffer.isView(value)) {
    return { $bin: [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)] };
  }
  if (Array.isArray(value)) return value.map(packed);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, packed(item)]));
  }
  return value;
};

const unpacked = (value) => {
  if (Array.isArray(value)) return value.map(unpacked);
  if (value && typeof value === "object") {
    if (Array.isArray(value.$bin)) return new Uint8Array(value.$bin).buffer;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpacked(item)]));
  }
  return value;
};

const makeDriver = (io, say) => {
  let socket = null;
  let plain = null;
  const waiting = [];

  const once = (target, good, bad) =>
    new Promise((resolve, reject) => {
      target.once(good, resolve);
      target.once(bad, (error) => reject(error instanceof Error ? error : new Error(String(error))));
    });

  // What a page cannot do is said to be missing: that is no fault of the server's.
  const setCookies = (cookies) => {
    for (const cookie of cookies ?? []) {
      document.cookie = `${cookie}; path=/`;
      if (document.cookie.split("; ").includes(cookie)) continue;
      throw Object.assign(new Error(), { missing: `no page sets the cookie ${cookie.split("=")[0]}` });
    }
  };

  const connect = async (command) => {
    setCookies(command.cookies);
    const options = {
      extraHeaders: command.headers,
      protocols: command.protocols,
      transports: command.transports,
      auth: command.auth ?? undefined,
      path: command.path ? `/${command.path}` : undefined,
      reconnectionDelay: 100,
      reconnectionDelayMax: 200,
      randomizationFactor: 0,
      forceNew: true,
    };
    const namespace = command.namespace && command.namespace !== "/" ? command.namespace : "";
    socket = io(command.url + namespace + command.query, options);
    for (const event of HEARD) socket.on(event, (...args) => say({ heard: event, args: packed(args) }));
    socket.on("connect", () => say({ heard: "connect", args: [] }));
    socket.on("disconnect", () => say({ heard: "disconnect", args: [] }));
    await once(socket, "connect", "connect_error");
    return { sid: socket.id };
  };

  const plainConnect = (command) =>
    new Promise((resolve, reject) => {
      setCookies(command.cookies);
      plain = new WebSocket(command.url, command.protocols);
      plain.binaryType = "arraybuffer";
      plain.onmessage = (event) => waiting.shift()?.(packed(event.data));
      plain.onopen = () => resolve({ protocol: plain.protocol });
      plain.onclose = (event) => reject(new Error(`closed with ${event.code} before it was open`));
    });

  const plainClose = () =>
    new Promise((resolve) => {
      plain.onclose = (event) => resolve({ code: event.code, clean: event.wasClean });
      plain.close(1000, "enough");
    });

  const plainEcho = (command) =>
    new Promise((resolve) => {
      waiting.push((message) => resolve({ message }));
      plain.send(unpacked(command.message));
    });

  const actions = {
    connect,
    emit: async (command) => {
      socket.emit(command.event, ...unpacked(command.args));
      return {};
    },
    call: async (command) => {
      const answer = new Promise((resolve) => {
        socket.emit(command.event, ...unpacked(command.args), (...args) => resolve(packed(args)));
      });
      return { result: await answer };
    },
    sid: async () => ({ sid: socket.id }),
    transport: async () => ({ transport: socket.io.engine.transport.name }),
    disconnect: async () => {
      socket.disconnect();
      return {};
    },
    "plain-connect": plainConnect,
    echo: plainEcho,
    close: plainClose,
  };

  return async (command) => {
    try {
      say({ id: command.id, ok: true, ...(await actions[command.do](command)) });
    } catch (error) {
      say({ id: command.id, ok: false, why: String(error), missing: error.missing });
    }
  };
};

if (typeof module !== "undefined") module.exports = { makeDriver };
