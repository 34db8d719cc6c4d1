// undici's WebSocket, which node has built in, in a version of its own.
"use strict";
globalThis.WebSocket = require("undici").WebSocket;
require("../node/driver.js");
