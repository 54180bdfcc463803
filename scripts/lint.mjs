// `npm run lint`: formatting and lint rules (biome), then types (tsc). `npm run format` mends what can be mended.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { isProgram, root } from "./root.mjs";

/** Checks formatting and lint rules. Rejects with what is wrong. */
export function lint(args = []) {
  return new Promise((resolve, reject) => {
    const program = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
    const options = { cwd: root, maxBuffer: 1e8 };
    const all = [program, "check", "--error-on-warnings", "--no-errors-on-unmatched", ...args];
    execFile(process.execPath, all, options, (error, said, complaint) => {
      if (error === null) return resolve(said);
      const failure = new Error("lint");
      failure.stack = `${said}${complaint}`.trim() || error.message;
      return reject(failure);
    });
  });
}

/** Checks types, strictly, in all of the project's TypeScript. Rejects with what is wrong. */
export async function types() {
  const { tsc } = await import("./build-types.mjs");
  await tsc(["-p", "tsconfig.json"]);
}

if (isProgram(import.meta)) {
  const { checkNode, install } = await import("./prepare.mjs");
  checkNode();
  install();
  for (const check of [() => lint(process.argv.slice(2)), types]) {
    try {
      await check();
    } catch (error) {
      process.stderr.write(`${error.stack}\n`);
      process.exitCode = 1;
    }
  }
}
