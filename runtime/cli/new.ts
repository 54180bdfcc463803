// `belljar new`: a plugin project that builds, tests and sounds as it is.

import { relative, resolve } from "node:path";
import { printable } from "../../abi/error.ts";
import { createProject, TEMPLATES } from "./authoring/project.ts";
import { choice, parseOptions, takePositionals } from "./options.ts";

export const name = "new";
export const summary = "Make a plugin project that builds, tests and sounds as it is";
export const help = `Makes a plugin project: one source file in AssemblyScript, a test, and settings for editors.

Usage: belljar new DIR [--template effect|synth|event-effect]

  DIR          a folder that is not there yet, or is empty; its name becomes the plugin's
  --template   effect: sound in, sound out (this one if not said)
               synth: notes in, sound out
               event-effect: notes in, notes out

Examples:
  belljar new my-tremolo
  belljar new bell --template synth
  belljar new ../plugins/second-voice --template event-effect
`;

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, { template: choice(TEMPLATES) });
  const [folder = ""] = takePositionals(positionals, ["DIR"]);
  const template = options.template ?? "effect";
  const files = createProject(folder, template);
  const shown = printable(relative(process.cwd(), resolve(folder)) || ".");
  process.stdout.write(`Made ${shown} (${template}): ${files.join(", ")}

  cd ${shown}
  npm install
  npm test
`);
  return 0;
}
