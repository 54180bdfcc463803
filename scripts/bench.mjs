// `npm run bench -- NAME`: makes the clone ready, then runs a benchmark.
import { prepare } from "./prepare.mjs";
import { stop } from "./root.mjs";

const problems = await prepare();
if (problems.length > 0) stop(problems.join("\n"), 1);
const { run } = await import("./bundle.mjs");
await run("bench/main.ts", process.argv.slice(2));
