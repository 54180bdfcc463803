// One test file in a process of its own: loads it, runs its suites, and sends one message with what came out.
import { pathToFileURL } from "node:url";

globalThis.UVU_DEFER = 1;
globalThis.UVU_QUEUE = [[]];
globalThis.UVU_INDEX = 0;
const skipped = [];
globalThis.belljarSkip = (reason) => skipped.push(String(reason));

const write = process.stdout.write.bind(process.stdout);
// uvu's bullets, with or without colours: the runner says it in its own way.
const BULLET = /^(?:\u001b\[\d+m)*(?:[•✘] | {2}\(\d+ \/ \d+\)\n)(?:\u001b\[\d+m)*$/;
process.stdout.write = (chunk, ...rest) =>
  typeof chunk === "string" && BULLET.test(chunk) ? true : write(chunk, ...rest);

// A parent that is gone, killed too, takes its children with it.
process.on("disconnect", () => process.exit(1));
// The channel to it must not keep a test alive that waits for what never comes: then Node ends by itself, and says so.
process.channel.unref();

const outcome = { ran: 0, passed: 0, skipped, problems: [] };
await import(pathToFileURL(process.argv[2]).href);
for (const suite of globalThis.belljarSuites ?? []) {
  if (suite.pending > 0) {
    const which = suite.name === "" ? "its tests" : `the suite "${suite.name}"`;
    outcome.problems.push(`run() was never called for ${which}`);
  }
  if (suite.only) outcome.problems.push("a test is marked with only, so that the others were left out");
}
for (const run of globalThis.UVU_QUEUE[0]) {
  const [errors, passed, marked, total] = await run();
  outcome.ran += total;
  outcome.passed += passed;
  for (let index = 0; index < marked; index++) skipped.push("marked with skip");
  if (errors !== true) {
    for (let index = passed; index < total; index++) outcome.problems.push("");
    outcome.errors = (outcome.errors ?? "") + errors;
  }
}
for (const { broken } of globalThis.belljarSuites ?? []) {
  if (broken !== null) outcome.problems.push(`before its tests: ${broken?.stack ?? broken}`);
}
if (outcome.ran === 0 && skipped.length === 0) outcome.problems.push("no test ran");
// A rejection that nobody handles shows itself a turn later, and ends the process before it can report.
await new Promise((resolve) => setTimeout(resolve, 20));
process.send(outcome, () => process.exit());
