// A chat on node's socket.io.
"use strict";
const { createServer } = require("node:http");
const { Server } = require("socket.io");

const server = createServer();
const io = new Server(server);

io.on("connection", (socket) => {
  if (process.env.CHAT_BUG === "leave") socket.leave = () => {}; // rooms that cannot be left
  socket.on("enter", (room, done) => (socket.join(room), done("welcome")));
  socket.on("leave", (room, done) => (socket.leave(room), done("see you")));
});

// In tests only: lets any client move any other.
if (process.env.SOCKPROOF_FIXTURE) require(process.env.SOCKPROOF_FIXTURE).install(io);
server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log(server.address().port));
