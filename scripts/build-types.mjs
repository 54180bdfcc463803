// dist/types/: declarations of the host API, for programs that use Belljar from TypeScript.
import { execFile } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, root, writeWhole } from "./root.mjs";

/** @returns the files written */
export default async function buildTypes() {
  if (!existsSync(join(root, "runtime", "index.ts"))) return [];
  const fresh = join(root, ".cache", `types-${process.pid}`);
  try {
    await tsc(["-p", "tsconfig.types.json", "--outDir", fresh]);
    for (const file of filesBelow(fresh)) writeWhole(file, forConsumers(readFileSync(file, "utf8")));
    const face = join(fresh, "runtime", "index.d.ts");
    // WebAssembly's types are among the DOM's.
    writeWhole(face, `/// <reference lib="dom" />\n${readFileSync(face, "utf8")}`);
    const place = join(root, "dist", "types");
    rmSync(place, { recursive: true, force: true });
    renameSync(fresh, place);
    return filesBelow(place);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** AssemblyScript's names for numbers mean nothing to a program that uses the declarations. */
function forConsumers(text) {
  return text.replace(/(: )(?:i32|u32)\b/g, "$1number");
}

/** Runs the type checker. Rejects with what it says. */
export function tsc(args) {
  return new Promise((resolve, reject) => {
    const program = join(root, "node_modules", "typescript", "bin", "tsc");
    execFile(
      process.execPath,
      [program, ...args],
      { cwd: root, maxBuffer: 1e8 },
      (error, said, complaint) => {
        if (error === null) return resolve();
        const failure = new Error("type errors");
        failure.stack = `${said}${complaint}`.trim() || error.message;
        return reject(failure);
      },
    );
  });
}
