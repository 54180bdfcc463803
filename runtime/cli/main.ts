// The command line `belljar`: finds the command, and runs it.

import { readFileSync } from "node:fs";
import { BelljarError, printable } from "../../abi/error.ts";
import type { Command } from "./command.ts";
import { runProgram } from "./program.ts";
import { hintFor } from "./suggest.ts";

/** Every command, in the order of the help. A command's module is loaded when it is called. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  new: () => import("./new.ts"),
  build: () => import("./build.ts"),
  inspect: () => import("./inspect.ts"),
  process: () => import("./process.ts"),
  render: () => import("./render.ts"),
  play: () => import("./play.ts"),
  devices: () => import("./devices.ts"),
  package: () => import("./package.ts"),
  replay: () => import("./replay.ts"),
  validate: () => import("./validate.ts"),
  bench: () => import("./bench.ts"),
};

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return String((JSON.parse(text) as { version: unknown }).version);
}

async function overview(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const widest = Math.max(0, ...commands.map((command) => command.name.length));
  return `Belljar runs audio plugins that nobody has reason to trust.

Usage: belljar COMMAND [ARGUMENTS]

${commands.map((command) => `  ${command.name.padEnd(widest)}  ${command.summary}`).join("\n")}

A PLUGIN is the id of a built-in plugin ("gain" is short for "builtin.gain") or a .wasm file.

  belljar COMMAND --help   usage, options and examples of a command
  belljar --version        the version

Examples:
  belljar new my-plugin --template effect
  belljar inspect sine
  belljar process gain in.wav out.wav --param gain=-6dB
`;
}

/** @throws BelljarError usage/command */
async function find(word: string): Promise<Command> {
  const load = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (load) return await load();
  const what = word.startsWith("-") ? "option" : "command";
  throw new BelljarError(
    "usage/command",
    `There is no ${what} "${printable(word, 60)}".`,
    what === "option" ? "See belljar --help." : hintFor(word, Object.keys(COMMANDS), "belljar "),
  );
}

/** Runs a command line and returns its exit code; throws what the command throws. */
async function dispatch(args: string[]): Promise<number> {
  const [word, ...rest] = args;
  if (word === undefined || word === "--help" || word === "-h" || word === "help") {
    const topic = word === "help" ? rest[0] : undefined;
    process.stdout.write(topic === undefined ? await overview() : (await find(topic)).help);
    return 0;
  }
  if (word === "--version" || word === "-V") {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const command = await find(word);
  const plain = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
  if (plain.includes("--help") || plain.includes("-h")) {
    process.stdout.write(command.help);
    return 0;
  }
  return await command.run(rest);
}

runProgram(() => dispatch(process.argv.slice(2)));
