// The chat keeps what the rooms of Socket.IO promise: the command sockproof says so.
"use strict";
const assert = require("node:assert");
const { spawn, execFileSync, spawnSync } = require("node:child_process");
const { once } = require("node:events");
const path = require("node:path");
const test = require("node:test");

// Where sockproof is installed: SOCKPROOF_PYTHON=.venv/bin/python, or python3.
const python = process.env.SOCKPROOF_PYTHON ?? "python3";
const where = "import sockproof; print(sockproof.__path__[0])";
const installed = execFileSync(python, ["-c", where], { encoding: "utf8" }).trim();

test("rooms", async (t) => {
  const fixture = path.join(installed, "fixtures", "socketio.js");
  const env = { ...process.env, PORT: "0", SOCKPROOF_FIXTURE: fixture };
  const server = spawn("node", [path.join(__dirname, "server.js")], { env });
  t.after(() => server.kill());
  server.stderr.pipe(process.stderr);
  const [port] = await once(server.stdout, "data");
  const url = `http://127.0.0.1:${String(port).trim()}/`;
  const cases = ["rooms/membership/*left*", "rooms/membership/*leave_undoes*"];
  const words = cases.flatMap((each) => ["--case", each]);
  const command = ["-m", "sockproof", "conformance", url, ...words, "--json", "report.json"];
  const cwd = require("node:fs").mkdtempSync(path.join(require("node:os").tmpdir(), "chat-"));
  const { status, stdout, stderr } = spawnSync(python, command, { encoding: "utf8", cwd });
  const report = JSON.parse(require("node:fs").readFileSync(path.join(cwd, "report.json")));
  for (const each of report.cases) {
    await t.test(each.id, () => {
      assert.equal(each.outcome, "PASS", `expected ${each.expected}; got ${each.got}`);
    });
  }
  assert.equal(status, 0, stdout + stderr);
});
