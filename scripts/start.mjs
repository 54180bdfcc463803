// `npm start`: makes the clone ready, then plays the demo.
import { stop } from "./root.mjs";
import { prepare } from "./prepare.mjs";

const problems = await prepare();
if (problems.length > 0) stop(problems.join("\n"), 1);
const { run } = await import("./bundle.mjs");
await run("examples/demo/main.ts", process.argv.slice(2));
