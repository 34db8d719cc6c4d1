// What socket.io-client (`socketio`) or the ws library (`websocket`) hands over of what a server
// sends, a connection for each of the names; one line of JSON at the end.
"use strict";
const { createRequire } = require("node:module");
const load = createRequire(`${process.argv[2]}/`);
const [kind, url, ...names] = process.argv.slice(3);

const socketio = (name) =>
  new Promise((resolve) => {
    const { io } = load("socket.io-client");
    const heard = [];
    const options = { transports: ["websocket"], reconnection: false, forceNew: true, query: { name } };
    const socket = io(url.replace("ws", "http"), options);
    socket.onAny((...all) => heard.push(all));
    socket.on("connect", () => socket.emit("asks", (...all) => heard.push(all)));
    socket.on("disconnect", () => resolve(heard));
    socket.on("connect_error", () => resolve(heard));
  });

const websocket = (name) =>
  new Promise((resolve) => {
    const heard = [];
    const socket = new (load("ws"))(`${url}?name=${name}`);
    socket.on("message", (data) => heard.push(data));
    socket.on("close", () => resolve(heard));
    socket.on("error", () => {});
  });

const text = (key, value) => (value?.type === "Buffer" ? Buffer.from(value.data).toString("latin1") : value);
const run = kind === "socketio" ? socketio : websocket;
Promise.all(names.map(run)).then((all) => {
  const found = Object.fromEntries(names.map((name, at) => [name, all[at]]));
  process.stdout.write(JSON.stringify(found, text));
  process.exit(0);
});
