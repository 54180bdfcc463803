// `npm start`: a prelude by Bach, played by several plugins, with three hostile ones wired in. Each of those wakes up in
// mid-piece, and is stopped inside its own block. Then the same without them: the music is the same, bit by bit.
//
// `npm start -- --accept` also keeps the fingerprint and the picture as those that are committed, after a change of
// the plugins that is meant to be heard.

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import {
  Fingerprint,
  openSession,
  openWav,
  type RenderReport,
  readSession,
  renderPicture,
  renderSession,
  type Session,
  type Sink,
  WaveformPeaks,
} from "belljar";
import { LogLines } from "../../runtime/cli/log.ts";
import { nodeTable, pictureNodes } from "../../runtime/cli/node-table.ts";
import { Progress, timesRealTime } from "../../runtime/cli/progress.ts";
import { painter } from "../../runtime/cli/table.ts";
import { trusted } from "./trusted.ts";

const root = process.env["BELLJAR_ROOT"] ?? process.cwd();
const folder = join(root, "examples", "demo");
const out = join(folder, "out");
const say = (text: string) => process.stdout.write(`${text}\n`);
const paint = painter(process.stdout);

interface Rendering {
  report: RenderReport;
  fingerprint: string;
}

async function render(session: Session, label: string, sinks: Sink[] = []): Promise<Rendering> {
  const prepared = await openSession(session, { folder });
  const fingerprint = new Fingerprint(prepared.rate, prepared.block, 2);
  const bar = new Progress(label);
  const onProgress = (done: number, total: number) => bar.update(done / prepared.rate, total / prepared.rate);
  const log = new LogLines((line) => bar.print(line));
  const report = await renderSession(prepared, {
    sinks: [fingerprint, ...sinks],
    onProgress,
    onMessage: (node, kind, line, level, seconds) => {
      if (kind === "log") log.take(node, line, level, seconds);
    },
  });
  bar.end();
  log.end();
  return { report, fingerprint: fingerprint.digest() };
}

const session = await readSession(join(folder, "session.json"));
const hostile = session.nodes.filter((node) => node.type.endsWith(".wasm"));
say(`Johann Sebastian Bach, Prelude in C major, with ${hostile.length} hostile plugins wired in:`);
say("an endless loop, one that writes NaN, and one that chases pointers through its whole memory.\n");

mkdirSync(out, { recursive: true });
const wav = join(out, "demo.wav");
const picture = join(out, "demo.svg");
const rate = session.sampleRate ?? 48000;
const writer = openWav(wav, { rate, channels: 2, format: "pcm24" });
const waveform = new WaveformPeaks(2);
const gather: Sink = { write: (samples, frames, offset) => waveform.add(samples, frames, offset) };
const attacked = await render(session, "With them   ", [writer, gather]);
writer.finish();
const { report } = attacked;
const title = "Prelude in C major, with three hostile plugins";
writeFileSync(picture, renderPicture({ title, rate: report.rate, waveform, nodes: pictureNodes(report) }));
say(nodeTable(report));

const clean = await render(trusted(session), "Without them");
const same = clean.fingerprint === attacked.fingerprint;
const stopped = report.nodes.filter((node) => node.fault !== null);
say(`fingerprint with them     ${attacked.fingerprint}`);
say(`fingerprint without them  ${clean.fingerprint}`);
say(
  same
    ? paint("green", `The music is the same, bit by bit, with ${stopped.length} plugins stopped in it.\n`)
    : paint("red", "The music differs: that must not be.\n"),
);
say(
  `${report.seconds.toFixed(1)} s of sound in ${report.elapsed.toFixed(1)} s ` +
    `(${timesRealTime(report.seconds, report.elapsed)} × real time), then without them in ${clean.report.elapsed.toFixed(1)} s.\n`,
);
if (process.argv.includes("--accept")) {
  writeFileSync(join(folder, "fingerprint.txt"), `${clean.fingerprint}\n`);
  copyFileSync(picture, join(root, "docs", "demo.svg"));
}
const here = (path: string) => relative(process.cwd(), path) || path;
say(`Hear it   ${here(wav)}`);
say(`See it    ${here(picture)}`);
say("Next      npx belljar new my-plugin --template effect   makes a plugin of your own");
say("          npx belljar inspect sine                      shows what one says of itself");
say("          npx belljar --help                            has the rest");
if (!same || stopped.length !== hostile.length) process.exitCode = 1;
