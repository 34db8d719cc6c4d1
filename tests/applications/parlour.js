// The chat of parlour.py on node's socket.io: the same events, the same faults.
"use strict";
const http = require("http");
const crypto = require("crypto");
const { Server } = require("socket.io");

const FAULT = process.env.FAULT || "";
const [EVERY, HONEST, HELD, SHOWN] = [100, 300, 800, 20];
const tickets = new Map();
const online = new Map();
const rooms = new Map();
const held = new Map();
let deliveries = 0;
let done = 0;

const server = http.createServer((request, response) => {
  if (request.url === "/api/faults") return response.end(JSON.stringify({ done }));
  if (request.url !== "/api/session") return response.writeHead(404).end();
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    const ticket = crypto.randomBytes(12).toString("hex");
    tickets.set(ticket, JSON.parse(body).user);
    response.end(JSON.stringify({ ticket }));
  });
});
const io = new Server(server);

const goesWrong = (kind) => kind === FAULT && deliveries > HONEST && deliveries % EVERY === 0;

function late(key, socket, wrong) {
  const line = held.get(key);
  if (!line) return;
  held.delete(key);
  done += wrong;
  socket.emit("line", line);
}

function deliver(socket, line) {
  deliveries += 1;
  if (goesWrong("drop")) return (done += 1);
  if (goesWrong("mix-up")) {
    const other = [...rooms.entries()].find(([name]) => name !== line.room)[1];
    [...other.members][0].emit("line", line);
    done += 1;
  }
  const key = `${line.by} ${socket.id}`;
  if (goesWrong("order") && !held.has(key)) {
    held.set(key, line);
    return setTimeout(() => late(key, socket, 0), HELD);
  }
  socket.emit("line", line);
  late(key, socket, 1);
}

io.use((socket, next) => {
  socket.data.name = tickets.get(socket.handshake.auth.ticket);
  next(socket.data.name ? undefined : new Error("no ticket"));
});

io.on("connection", (socket) => {
  const who = socket.data.name;
  online.set(who, socket);
  socket.on("disconnect", () => {
    for (const room of rooms.values()) room.members.delete(socket);
    if (online.get(who) === socket) online.delete(who);
  });
  socket.on("open", (name, last, answer) => {
    if (!rooms.has(name)) rooms.set(name, { lines: [], members: new Set() });
    const room = rooms.get(name);
    room.members.add(socket);
    if (last === null) return answer({ ok: true, history: room.lines.slice(-SHOWN) });
    let missed = room.lines.slice(last);
    if (FAULT === "replay" && missed.length) {
      done += 1;
      missed = missed.slice(1);
    }
    if (FAULT === "duplicate" && last) {
      done += 1;
      missed = [room.lines[last - 1], ...missed];
    }
    for (const line of missed) socket.emit("line", line);
    answer({ ok: true, history: [] });
  });
  socket.on("line", (said, answer) => {
    const room = rooms.get(said.room);
    const line = { id: room.lines.length + 1, room: said.room, by: who, text: said.text };
    room.lines.push(line);
    for (const member of room.members) deliver(member, line);
    answer({ ok: true, id: line.id });
  });
  socket.on("typing", (name) => {
    for (const member of rooms.get(name).members) {
      if (member !== socket) member.emit("typing", { room: name, by: who });
    }
  });
  socket.on("whisper", (said, answer) => {
    const other = online.get(said.to);
    if (other) other.emit("whisper", { by: who, text: said.text });
    answer({ ok: true, there: Boolean(other) });
  });
});

server.listen(Number(process.argv[2]), "127.0.0.1");
