// An attack and its twin. Each attack runs twice: against the runtime as it is, where it must end in the sentence
// that it names; and against a build of the same sources in which one line, its defence, is switched off, where it
// must reach what it is after. So no defence is decoration, and no attack is one that nothing would have let through.

import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../root.ts";

process.setMaxListeners(0);

export type Belljar = typeof import("./belljar.ts");

export interface Attack {
  /** What it does, as a sentence without its full stop. No two are the same. */
  attack: string;
  /** The line that stops it: a file from the repository's root, a part of one line that stands in it once, what stands there when it is off. */
  defence: { file: string; line: string; off: string };
  /** Carries it out. Gives what it reached, in words; or throws, or gives, what the runtime says. */
  attempt(belljar: Belljar): Promise<string> | string;
  /** What comes of it: "code: sentence" of the error thrown, or the words given. */
  stopped: string | RegExp;
  /** The same where its defence is off. */
  reached: string | RegExp;
}

/** Registers a test for each attack. The file that calls this ends with test.run(). */
export function testAttacks(attacks: readonly Attack[]): void {
  for (const one of attacks) {
    test(`${one.attack}: stopped, and by one line alone`, async () => {
      const stopped = await outcome(one, await runtime(null));
      check(one.stopped, stopped, "with its defence");
      const reached = await outcome(one, await runtime(one.defence));
      assert.is.not(reached, stopped, `with and without its defence: ${reached}`);
      check(one.reached, reached, "without its defence");
    });
  }
}

function check(expected: string | RegExp, actual: string, when: string): void {
  if (typeof expected === "string") assert.is(actual, expected, when);
  else assert.match(actual, expected, `${when}: ${actual}`);
}

async function outcome({ attempt }: Attack, belljar: Belljar): Promise<string> {
  try {
    return await attempt(belljar);
  } catch (error) {
    if (error instanceof belljar.BelljarError) return `${error.code}: ${error.message}`;
    // The host itself failed, which no attack may bring about.
    return `host: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
  }
}

const builds = new Map<string, Promise<Belljar>>();

/** The runtime, built with that line off. */
function runtime(off: Attack["defence"] | null): Promise<Belljar> {
  const key = JSON.stringify(off);
  let build = builds.get(key);
  if (build === undefined) {
    build = make(off);
    builds.set(key, build);
  }
  return build;
}

async function make(off: Attack["defence"] | null): Promise<Belljar> {
  const { common } = await import(pathToFileURL(join(root, "scripts", "bundle.mjs")).href);
  const esbuild = await import("esbuild");
  const name = createHash("sha256").update(JSON.stringify(off)).digest("hex").slice(0, 16);
  const outfile = join(root, ".cache", "attacks", `${process.pid}-${name}.mjs`);
  process.on("exit", () => rmSync(outfile, { force: true }));
  const weaken = {
    name: "weaken",
    setup(build: import("esbuild").PluginBuild) {
      if (off === null) return;
      const file = join(root, off.file);
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        return path === file ? { contents: withoutLine(off), loader: "ts" } : null;
      });
    },
  };
  await esbuild.build({
    ...common,
    entryPoints: ["test/attacks/belljar.ts"],
    outfile,
    sourcemap: false,
    plugins: [weaken, ...common.plugins],
  });
  return import(pathToFileURL(outfile).href);
}

function withoutLine({ file, line, off }: Attack["defence"]): string {
  const text = readFileSync(join(root, file), "utf8");
  const parts = text.split(line);
  if (parts.length !== 2 || line.includes("\n")) {
    throw new Error(
      `"${line}" stands ${parts.length - 1} times in ${file}; a defence is a part of one line that stands there once.`,
    );
  }
  return parts.join(off);
}
