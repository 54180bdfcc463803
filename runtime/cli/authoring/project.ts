// A plugin project: what `belljar new` writes, and what `belljar build` finds in it.

import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { BelljarError, printable } from "../../../abi/error.ts";
import { fileError } from "../../output/atomic-file.ts";
import { installation, installed } from "./sources.ts";

export const TEMPLATES = ["effect", "synth", "event-effect"] as const;
export type Template = (typeof TEMPLATES)[number];

/** What a project's name may be: it becomes part of the plugin's id, a class, a package and a file. */
const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const LONGEST_NAME = 40;
/** Folders that would be taken for something else. */
const TAKEN = new Set(["node_modules", "belljar", "build", "dist", "test", "con", "prn", "aux", "nul"]);

/** Words that a class can't be named by, once in capitals: those that plugin.ts uses already. */
const CLASSES = new Set([
  "Plugin",
  "Info",
  "Param",
  "AudioPort",
  "EventPort",
  "Voice",
  "Phasor",
  "Adsr",
  "ProcessState",
]);

/**
 * Writes a new project, whole or not at all.
 * @returns the files written, from the project's folder
 * @throws BelljarError usage/name, file/exists, file/*
 */
export function createProject(asked: string, template: Template): string[] {
  const folder = resolve(asked);
  const name = basename(folder);
  checkName(name);
  if (existsSync(folder)) demandEmpty(folder, asked);
  const parent = dirname(folder);
  if (!existsSync(parent)) {
    throw new BelljarError(
      "file/no-folder",
      `${printable(asked)} can't be made: there is no folder ${printable(parent)}.`,
    );
  }
  const files = projectFiles(name, template, folder);
  const fresh = join(parent, `.${name}-${randomBytes(6).toString("hex")}.part`);
  try {
    mkdirSync(fresh);
    for (const [path, text] of files) writeFileSync(join(fresh, path), text);
    if (existsSync(folder)) rmdirSync(folder);
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw fileError(error, asked);
  }
  return [...files.keys()];
}

function checkName(name: string): void {
  if (!NAME.test(name) || name.length > LONGEST_NAME || TAKEN.has(name)) {
    throw new BelljarError(
      "usage/name",
      `"${printable(name, 60)}" can't be a plugin's name.`,
      `A name has lower case letters, digits and single hyphens between them, begins with a letter and has at most ${LONGEST_NAME} characters.`,
    );
  }
}

function demandEmpty(folder: string, asked: string): void {
  let empty = false;
  try {
    if (!statSync(folder).isDirectory())
      throw new BelljarError("file/exists", `${printable(asked)} is a file.`, "Name another folder.");
    empty = readdirSync(folder).length === 0;
  } catch (error) {
    throw fileError(error, asked);
  }
  if (!empty)
    throw new BelljarError(
      "file/exists",
      `${printable(asked)} is there already, and not empty.`,
      "Name another folder.",
    );
}

function projectFiles(name: string, template: Template, folder: string): Map<string, string> {
  const files = new Map<string, string>();
  const words = name.split("-").map((word) => word[0]?.toUpperCase() + word.slice(1));
  const joined = words.join("");
  const className = CLASSES.has(joined) ? `My${joined}` : joined;
  const from = installed("sdk-as", "templates", template);
  for (const file of ["plugin.ts", "plugin.test.js", "README.md"]) {
    const text = readFileSync(join(from, file), "utf8");
    files.set(
      file,
      text
        .replaceAll("my-plugin", name)
        .replaceAll("MyPlugin", className)
        .replaceAll("My Plugin", words.join(" ")),
    );
  }
  files.set("tsconfig.json", `${JSON.stringify(TSCONFIG, null, 2)}\n`);
  files.set("package.json", `${JSON.stringify(packageFor(name, folder), null, 2)}\n`);
  files.set(".gitignore", "node_modules/\nbuild/\n");
  return files;
}

/** For editors: AssemblyScript's types, and where "belljar/…" lies. `belljar build` does not read it. */
const TSCONFIG = { extends: "./node_modules/belljar/sdk-as/tsconfig.json", include: ["*.ts"] };

function packageFor(name: string, folder: string): object {
  return {
    name,
    version: "0.1.0",
    private: true,
    type: "module",
    scripts: { build: "belljar build", test: "belljar build && node --test" },
    devDependencies: { belljar: dependency(folder) },
  };
}

/** This installation by its path where it is a checkout, else by its version. */
function dependency(folder: string): string {
  const home = installation();
  if (!home.split(sep).includes("node_modules")) return `file:${relative(folder, home).split(sep).join("/")}`;
  return `^${(JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { version: string }).version}`;
}

/** A plugin's source, and where its module goes. */
export interface BuildPlace {
  entry: string;
  out: string;
}

/**
 * What `belljar build` builds: a project's plugin.ts, to build/NAME.wasm in it, or a single source file, to NAME.wasm beside it.
 * @throws BelljarError file/not-found
 */
export function findProject(asked: string): BuildPlace {
  const path = resolve(asked);
  if (!existsSync(path))
    throw new BelljarError(
      "file/not-found",
      `There is no ${printable(asked)}.`,
      "`belljar new DIR` makes a project.",
    );
  if (!statSync(path).isDirectory()) {
    if (!path.endsWith(".ts"))
      throw new BelljarError("usage/value", `${printable(asked)} is neither a folder nor a .ts file.`);
    return { entry: path, out: path.replace(/\.ts$/, ".wasm") };
  }
  const entry = join(path, "plugin.ts");
  if (!existsSync(entry)) {
    throw new BelljarError(
      "file/not-found",
      `There is no plugin.ts in ${printable(asked)}.`,
      "`belljar new DIR` makes a project.",
    );
  }
  return { entry, out: join(path, "build", `${projectName(path)}.wasm`) };
}

/** The package's name without its scope, or the folder's. */
function projectName(folder: string): string {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: unknown };
    const own = typeof name === "string" ? name.replace(/^@[^/]*\//, "") : "";
    if (/^[\w.-]{1,100}$/.test(own) && !own.startsWith(".")) return own;
  } catch {
    // No package, no name.
  }
  return basename(folder) || "plugin";
}
