// How TypeScript becomes JavaScript here: one set of esbuild options for the product, the tests and the tools.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import { filesBelow, root, stop, writeWhole } from "./root.mjs";

/**
 * An import of "./name.wasm" gives bytes. Where there is a name.as.ts beside the importer and no name.wasm, it is
 * AssemblyScript that is compiled on the way, and kept in .cache/as/ by the content of all that went into it.
 */
const wasm = {
  name: "wasm",
  setup(build) {
    build.onLoad({ filter: /\.wasm$/ }, async ({ path }) => {
      const source = path.replace(/\.wasm$/, ".as.ts");
      if (existsSync(path) || !existsSync(source)) return null;
      try {
        return { contents: await compileAssembly(source), loader: "binary", watchFiles: [source] };
      } catch (error) {
        return { errors: [{ text: error.message }] };
      }
    });
    build.onResolve({ filter: /^\..*\.wasm$/ }, ({ path, resolveDir }) => {
      return { path: resolve(resolveDir, path) };
    });
  },
};

/** Compiles AssemblyScript that belongs to the runtime itself (not a plugin). */
async function compileAssembly(source) {
  const folder = dirname(source);
  const hash = createHash("sha256").update(readFileSync(join(root, "package-lock.json")));
  for (const file of [...filesBelow(folder, isAssembly), join(root, "abi", "layout.ts")]) {
    hash.update(file.slice(root.length)).update(readFileSync(file));
  }
  const kept = join(
    root,
    ".cache",
    "as",
    `${basename(source, ".as.ts")}-${hash.digest("hex").slice(0, 24)}.wasm`,
  );
  if (existsSync(kept)) return readFileSync(kept);
  const asc = (await import("assemblyscript/asc")).default;
  let bytes;
  let said = "";
  const { error } = await asc.main(
    [source.slice(root.length + 1), "--outFile", "out.wasm", "-Ospeed", "--enable", "simd"].concat([
      "--uncheckedBehavior",
      "always",
      "--runtime",
      "stub",
      "--use",
      "abort=",
      "--baseDir",
      root,
    ]),
    {
      stderr: { write: (text) => (said += text) },
      writeFile: (name, data) => {
        if (name === "out.wasm") bytes = data;
      },
    },
  );
  if (error || !bytes)
    throw new Error(`${source.slice(root.length + 1)} does not compile:\n${said || error.message}`);
  writeWhole(kept, bytes);
  return bytes;
}

function isAssembly(path) {
  return path.endsWith(".as.ts");
}

/** Options that every bundle has in common. */
export const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20.20",
  packages: "external",
  loader: { ".wasm": "binary" },
  plugins: [wasm],
  sourcemap: "linked",
  sourcesContent: true,
  logLevel: "silent",
  legalComments: "none",
};

/** Bundles, and writes each file whole. @returns the paths written */
export async function bundle({ mode, ...options }) {
  const result = await esbuild.build({ ...common, ...options, write: false });
  for (const file of result.outputFiles) writeWhole(file.path, file.contents, mode?.(file.path));
  return result.outputFiles.map((file) => file.path);
}

/** esbuild's errors as text with file, line and what is there. */
export async function explain(error) {
  if (!Array.isArray(error.errors)) return error.stack ?? String(error);
  const color = process.stderr.isTTY === true;
  return (await esbuild.formatMessages(error.errors, { kind: "error", color })).join("").trimEnd();
}

/** Bundles one TypeScript program of this repository and runs it; its exit code becomes ours. */
export async function run(entry, args) {
  if (!existsSync(join(root, entry))) stop(`${entry} is not there yet.`, 1);
  const outfile = join(root, ".cache", "run", `${entry.replace(/[\\/]/g, "-").replace(/\.ts$/, "")}.mjs`);
  try {
    await bundle({ entryPoints: [entry], outfile });
  } catch (error) {
    stop(await explain(error), 1);
  }
  const child = spawn(process.execPath, ["--enable-source-maps", outfile, ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, BELLJAR_ROOT: root },
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}

/** Loads a TypeScript module of this repository into this process. */
export async function load(entry) {
  const outfile = join(root, ".cache", "run", `${entry.replace(/[\\/]/g, "-").replace(/\.ts$/, "")}.mjs`);
  await bundle({ entryPoints: [entry], outfile });
  return import(pathToFileURL(outfile).href);
}
