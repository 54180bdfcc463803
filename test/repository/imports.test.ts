// Which folder may import which: a wall that is not tested has holes.
import { readdirSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, posix } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../root.ts";
import { textOf } from "./tracked.ts";

/**
 * What each folder may import beside itself. Lower things come first; `node` allows Node's own modules, and anything without a
 * folder of that name is a package.
 */
const HOST = ["abi", "runtime/sandbox", "runtime/graph"];
const REGISTRY = [...HOST, "runtime/output", "runtime/player"];
const ENGINE = [...REGISTRY, "runtime/registry", "shm"];
const API = [...ENGINE, "runtime/engine"];
const ALLOWED: Record<string, string[]> = {
  abi: [],
  // util: numbers as text, from AssemblyScript's own library
  "sdk-as": ["abi", "util"],
  "plugins-src": ["sdk-as"],
  shm: ["abi", "koffi", "node"],
  "runtime/sandbox": ["abi", "msgpackr"],
  "runtime/graph": ["abi"],
  sidecar: ["abi", "shm", "koffi", "msgpackr", "node"],
  "runtime/output": ["abi", "shm", "msgpackr", "node"],
  "runtime/player": ["abi", "node"],
  "runtime/registry": [...REGISTRY, "node"],
  "runtime/engine": [...ENGINE, "node"],
  "runtime/index.ts": API,
  "runtime/validate": [...API, "node"],
  "runtime/bench": [...API, "node"],
  "runtime/cli": [
    ...API,
    "runtime/validate",
    "runtime/bench",
    "runtime/index.ts",
    "node",
    "assemblyscript",
    "fflate",
  ],
};

/** Modules that a source names in import and export declarations, type imports too, and in import(). */
function importsOf(source: string): string[] {
  const plain = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const declared = plain.matchAll(/^[ \t]*(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']/gm);
  const bare = plain.matchAll(/^[ \t]*import\s*["']([^"']+)["']/gm);
  const dynamic = plain.matchAll(/\bimport\(\s*["']([^"']+)["']/g);
  return [...declared, ...bare, ...dynamic].map((match) => match[1] as string);
}

/** What an import leads to, in the words of ALLOWED. */
function meaning(specifier: string, file: string): string {
  if (specifier.startsWith("node:") || builtinModules.includes(specifier)) return "node";
  if (specifier === "belljar/sdk-as" || specifier.startsWith("belljar/sdk-as/")) return "sdk-as";
  if (!specifier.startsWith(".")) return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const path = posix.join(posix.dirname(file), specifier);
  return folderOf(path) ?? path;
}

/** The longest folder of ALLOWED that a path is in. */
function folderOf(path: string): string | null {
  const inside = Object.keys(ALLOWED).filter((folder) => path === folder || path.startsWith(`${folder}/`));
  return inside.sort((a, b) => b.length - a.length)[0] ?? null;
}

function sourcesIn(folder: string): string[] {
  if (folder.endsWith(".ts")) return textOf(folder) === null ? [] : [folder];
  try {
    return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => `${folder}/${file.replaceAll("\\", "/")}`);
  } catch {
    return [];
  }
}

test("the reader of imports sees every form of them", () => {
  const source = `
    import a from "one";
    import type { B } from "two";
    import {
      c,
    } from "three";
    import "four";
    export * from "five";
    export type { D } from "six";
    const e = await import("seven");
    // import x from "not";
    /* import y from "not either"; */`;
  assert.equal(importsOf(source), ["one", "two", "three", "five", "six", "four", "seven"]);
});

for (const [folder, allowed] of Object.entries(ALLOWED)) {
  const may = allowed.length === 0 ? "nothing" : allowed.join(", ");
  test(`${folder} imports ${may} and itself`, () => {
    const wrong = sourcesIn(folder).flatMap((file) =>
      importsOf(textOf(file) ?? "")
        .filter((specifier) => {
          const leads = meaning(specifier, file);
          // The build's glue is text that becomes a plugin's source.
          if (leads === "sdk-as" && file.startsWith("runtime/cli/authoring/")) return false;
          return leads !== folder && !allowed.includes(leads);
        })
        .map((specifier) => `${file} imports ${specifier}`),
    );
    assert.equal(wrong, []);
  });
}

test("every folder with sources has a rule", () => {
  const runtime = readdirSync(join(root, "runtime"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || (entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts")))
    .map((entry) => `runtime/${entry.name}`);
  assert.equal(
    runtime.filter((path) => ALLOWED[path] === undefined),
    [],
  );
});

test.run();
