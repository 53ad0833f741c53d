// The TypeScript SDK as a client over stdio: recall, report, recall. The SDK compares each result with the tool's output
// schema and fails the call where they differ. Arguments: legacy or a protocol version, then the server's command.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [era, command, ...args] = process.argv.slice(2);
const mode = era === "legacy" ? era : { pin: era };
const client = new Client({ name: "outside-judge", version: "1" }, { versionNegotiation: { mode } });
await client.connect(new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" }));

const { tools } = await client.listTools();
assert.equal(tools.length, 3);
assert.ok(tools.every((tool) => tool.outputSchema));
let checked = 0;
async function call(name, given) {
  const result = await client.callTool({ name, arguments: given });
  assert.ok(!result.isError, JSON.stringify(result.content));
  assert.ok(result.structuredContent);
  checked += 1;
  return result.structuredContent;
}

const { task, report } = JSON.parse(process.env.REPORT);
assert.deepEqual((await call("recall_strategies", { task })).strategies, []);
const learned = await call("report_outcome", report);
assert.equal(learned.status, "learned");
const { strategies } = await call("recall_strategies", { task });
assert.equal(strategies[0].title, learned.strategies[0].title);
await call("scale_attempts", { task, attempts: 2 });
console.log(`${client.getNegotiatedProtocolVersion()} ${checked}`);
await client.close();
