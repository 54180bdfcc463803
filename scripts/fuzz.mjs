// `npm run fuzz -- vet`: makes the clone ready, then fuzzes the sandbox.
import { prepare } from "./prepare.mjs";
import { stop } from "./root.mjs";

const problems = await prepare();
if (problems.length > 0) stop(problems.join("\n"), 1);
const { run } = await import("./bundle.mjs");
await run("test/fuzz/main.ts", process.argv.slice(2));
