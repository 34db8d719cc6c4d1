// Loaded before a node server: what connections missed is handed over wrong, as FAULT says.
"use strict";
const { SessionAwareAdapter } = require("socket.io-adapter");
const restore = SessionAwareAdapter.prototype.restoreSession;
const SENDER = 5 + 16; // characters of a stamp up to the end of its sender
const senderOf = (packet) => (packet[0] === "said" ? packet[2].slice(0, SENDER) : null);

SessionAwareAdapter.prototype.restoreSession = async function (pid, offset) {
  const session = await restore.call(this, pid, offset);
  if (session) {
    const missed = session.missedPackets;
    const at = missed.findIndex((packet) => senderOf(packet));
    const next = missed.findIndex((packet, n) => n > at && senderOf(packet) === senderOf(missed[at]));
    if (process.env.FAULT === "first" && at >= 0) missed.splice(at, 1);
    if (process.env.FAULT === "twice" && at >= 0) missed.splice(at, 0, missed[at]);
    if (process.env.FAULT === "order" && at >= 0 && next >= 0) {
      [missed[at], missed[next]] = [missed[next], missed[at]];
    }
  }
  return session;
};
