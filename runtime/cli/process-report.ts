// What `belljar process` says at the end: how loud, how fast, what monitors showed, which events were sent.

import { printable } from "../../abi/error.ts";
import { shortNumber } from "../engine/parameter-text.ts";
import type { RunFacts } from "../engine/process-plugin.ts";
import type { LogRecord } from "./log.ts";
import { decibels } from "./node-table.ts";
import { timesRealTime } from "./progress.ts";
import { table } from "./table.ts";

export function report(
  json: boolean,
  what: { plugin: string; output: string; rate: number; channels: number; latency: number },
  facts: RunFacts & { clipped: number; log: LogRecord[]; logLeftOut: number },
): void {
  const seconds = facts.frames / what.rate;
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...what, ...facts, seconds }, null, 2)}\n`);
    return;
  }
  const units = Math.round(facts.units / Math.max(1, facts.blocks));
  process.stdout.write(
    `${printable(what.output)}: ${seconds.toFixed(2)} s, peak ${decibels(facts.peak)}, ` +
      `${timesRealTime(seconds, facts.milliseconds / 1000)} × real time, ` +
      `${units} units a block (at most ${facts.mostUnits})\n`,
  );
  process.stdout.write(describeMonitors(facts) + describeEvents(facts));
  if (facts.unusedValues > 0) {
    process.stderr.write(`belljar: ${facts.unusedValues} of the values of --param lie behind the end.\n`);
  }
  if (facts.clipped > 0) {
    process.stderr.write(
      `belljar: ${facts.clipped} samples were louder than full scale and were held at it.\n`,
    );
  }
  if (facts.lostEvents > 0) {
    process.stderr.write(
      `belljar: ${facts.lostEvents} events found no room, or were more than a block may hold, and were left out.\n`,
    );
  }
  process.stderr.write(describeDropped(what.plugin, facts));
}

/** What a plugin wrote or sent in vain, a line each. */
export function describeDropped(
  from: string,
  { droppedLines, refusedMessages }: { droppedLines: number; refusedMessages: number },
): string {
  const name = printable(from, 60);
  const lines = droppedLines === 1 ? "1 log line" : `${droppedLines} log lines`;
  const messages = refusedMessages === 1 ? "1 message" : `${refusedMessages} messages`;
  return (
    (droppedLines > 0 ? `belljar: ${lines} of "${name}" were dropped (logLines).\n` : "") +
    (refusedMessages > 0 ? `belljar: ${messages} of "${name}" were refused (messages).\n` : "")
  );
}

function describeMonitors({ monitors }: RunFacts): string {
  if (monitors.length === 0) return "";
  const rows = monitors.map(({ id, last, largest }) => [
    printable(id, 60),
    shortNumber(last),
    shortNumber(largest),
  ]);
  const columns = [{ title: "MONITOR" }, { title: "LAST", right: true }, { title: "LARGEST", right: true }];
  return `\n${table(columns, rows)}`;
}

function describeEvents({ eventsOut }: RunFacts): string {
  const counts = Object.entries(eventsOut).map(([type, count]) => `${count} ${type}`);
  return counts.length === 0 ? "" : `\nEvents sent: ${counts.join(", ")}\n`;
}
