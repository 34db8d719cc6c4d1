// socket.io-client in node, driven by lines of JSON on the standard input.
"use strict";
const readline = require("node:readline");
const { io } = require("socket.io-client");
const { makeDriver } = require("./commands.js");

const drive = makeDriver(io, (said) => process.stdout.write(`${JSON.stringify(said)}\n`));
const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => drive(JSON.parse(line)));
lines.on("close", () => process.exit(0));
