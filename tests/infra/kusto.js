// Kusto's own parser over queries: {query: name} on standard input, [[name, message, where]] on standard output.
// It knows no tables, so it sees the syntax only.
const { readFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { runInThisContext } = require("node:vm");

const folder = dirname(require.resolve("@kusto/language-service-next/package.json"));
// The files are scripts that fill the global object: `require` would give each a scope of its own.
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  runInThisContext(readFileSync(join(folder, file), "utf8"), { filename: file });
}

const found = [];
for (const [query, name] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const said = globalThis.Kusto.Language.KustoCode.Parse(query).GetDiagnostics();
  for (let at = 0; at < said.Count; at += 1) {
    const { Message, Start } = said.getItem(at);
    found.push([name, Message, query.slice(Start, Start + 40)]);
  }
}
console.log(JSON.stringify(found));
