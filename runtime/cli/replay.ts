// `belljar replay`: a recording of a plugin that was stopped, played again.

import { setFlagsFromString } from "node:v8";
import { printable } from "../../abi/error.ts";
import type { Outcome } from "../engine/recording.ts";
import { type ReplayReport, replayRecording } from "../engine/replay.ts";
import { limits } from "./limits.ts";
import { LogLines } from "./log.ts";
import { flag, list, parseOptions, takePositionals, text } from "./options.ts";
import { Progress } from "./progress.ts";

export const name = "replay";
export const summary = "Play a recording again: does the plugin stop as it did?";
export const help = `Asks a plugin the same things as when it was recorded, in this process, and compares how it ends: the
kind of fault, the call, the function, the block, and the units at its last check. Recordings are
made by "belljar render --record" and "belljar process --record".

Usage: belljar replay FILE.bjr [OPTIONS]

  --plugin PLUGIN      the plugin that was recorded: a .wasm file or a built-in plugin's id; otherwise
                       a built-in, or the file of its name beside the recording. It must be the very
                       bytes: the recording has their SHA-256
  --file FILE          a file that the plugin had been given; otherwise the one of its name beside the
                       recording; repeatable
  --limit NAME=VALUE   accept a recording that was made with a wider limit; repeatable
  --liftoff-only       compile with V8's simple compiler alone
  --json               print the report as JSON

A recording is a stranger's file: it can't name a file to be opened elsewhere, and its plugin runs in the
sandbox as any other. docs/recording.md says what is in it.

Exit code: 0 it ended the same way, 1 it did not, 2 bad input.

Examples:
  belljar replay faults/lead.bjr
  belljar replay faults/lead.bjr --plugin build/my-plugin.wasm
  belljar replay fault.bjr --plugin my-plugin.wasm --file drums.sf2 --json
`;

const OPTIONS = {
  plugin: text(),
  file: list(),
  limit: limits(),
  "liftoff-only": flag(),
  json: flag(),
};

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  const [file = ""] = takePositionals(positionals, ["FILE.bjr"]);
  if (options["liftoff-only"]) setFlagsFromString("--liftoff-only");
  const bar = new Progress("Replaying");
  const log = new LogLines((line) => bar.print(line));
  let report: ReplayReport;
  try {
    report = await replayRecording(file, {
      plugin: options.plugin,
      files: options.file,
      limits: options.limit,
      onMessage: (kind, line, level, seconds) => {
        if (kind === "log") log.take("plugin", line, level, seconds);
      },
      onProgress: (done, total) => bar.update(done, total),
    });
  } finally {
    bar.end();
    log.end();
  }
  if (options.json) {
    const all = { ...safe(report), log: log.records, logLeftOut: log.unrecorded };
    process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  } else process.stdout.write(describe(file, report));
  return report.same ? 0 : 1;
}

/** The recorded facts, which a stranger wrote, made safe to print. */
function safe(report: ReplayReport): ReplayReport {
  const { recorded, node, madeBy } = report;
  return {
    ...report,
    node: printable(node, 80),
    recorded: safeOutcome(recorded),
    madeBy: {
      ...madeBy,
      node: printable(madeBy.node, 40),
      v8: printable(madeBy.v8, 40),
      platform: printable(madeBy.platform, 40),
    },
  };
}

function safeOutcome({ fault, error }: Outcome): Outcome {
  if (fault === null) {
    return { fault, error: { code: printable(error.code, 80), message: printable(error.message, 400) } };
  }
  const { call, where, message } = fault;
  return {
    fault: {
      ...fault,
      call: printable(call, 40),
      where: printable(where, 120),
      message: printable(message, 400),
    },
    error: null,
  };
}

function describe(file: string, report: ReplayReport): string {
  const { plugin, blocks, frames, rate, audio, recorded, replayed, same } = report;
  const seconds = rate > 0 ? `, ${(frames / rate).toFixed(2)} s` : "";
  const sound = audio ? "with sound" : "no sound in it";
  const lines = [
    `${printable(file)}: "${plugin.displayName}" (${plugin.id}) at "${printable(report.node, 80)}"; ` +
      `${blocks} ${blocks === 1 ? "block" : "blocks"}${seconds}, ${sound}`,
    `  recorded  ${outcome(recorded)}`,
    `  replayed  ${same ? "the same" : outcome(replayed)}`,
    ...report.differences,
    ...report.notes,
  ];
  return `${lines.join("\n")}\n`;
}

/** "out-of-bounds in mix during process, block 812, 98304 units at the last check". */
function outcome(ended: Outcome | null): string {
  if (ended === null) return "no fault";
  const { fault, error } = ended;
  if (fault === null) return `${printable(error.message, 400)} [${printable(error.code, 80)}]`;
  const where = fault.where === "" ? "" : `in ${printable(fault.where, 120)} `;
  const during = where === "" ? "in" : "during";
  const block = fault.call === "process" ? `, block ${fault.block}` : "";
  return `${fault.kind} ${where}${during} ${printable(fault.call, 40)}${block}, ${fault.units} units at the last check`;
}
