// Preloaded into Azurite (`node --require`), so that a test moves its clock instead of waiting: see azurite.py.
// A line on standard input is a number of seconds to move it by; the answer, when it has moved, is a line "clock: <seconds in all>".
"use strict";
const { createInterface } = require("node:readline");
const { subscribe } = require("node:diagnostics_channel");

let moved = 0; // milliseconds

// Azurite asks `new Date()` and `Date.now()` for the time, and nothing else; a date that is given stays as it is.
globalThis.Date = new Proxy(Date, {
  construct: (date, given, target) => Reflect.construct(date, given.length ? given : [date.now() + moved], target),
  apply: () => new Date().toString(),
  get: (date, name) => (name === "now" ? () => date.now() + moved : Reflect.get(date, name)),
});

// Where Azurite sets no `Date` header, Node.js would, by a clock of its own.
subscribe("http.server.request.start", ({ response }) => response.setHeader("Date", new Date().toUTCString()));

createInterface({ input: process.stdin }).on("line", (seconds) => {
  moved += Number(seconds) * 1000;
  console.log(`clock: ${moved / 1000}`);
});
process.stdin.unref(); // It must not keep Azurite from ending.
