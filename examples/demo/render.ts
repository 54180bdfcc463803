// `npm start -- --render`: the prelude, played by several plugins, with three hostile ones wired in, as a file. Each of those
// wakes up in mid-piece, and is stopped inside its own block. Then the same without them: the music is the same, bit by bit.

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import {
  Fingerprint,
  openSession,
  openWav,
  type RenderReport,
  renderPicture,
  renderSession,
  type Session,
  type Sink,
  WaveformPeaks,
} from "../../runtime/index.ts";
import { LogLines } from "../../runtime/cli/log.ts";
import { nodeTable, pictureNodes } from "../../runtime/cli/node-table.ts";
import { Progress, timesRealTime } from "../../runtime/cli/progress.ts";
import { painter } from "../../runtime/cli/table.ts";
import { folder, hostileOf, NEXT, out, root } from "./place.ts";
import { trusted } from "./trusted.ts";

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

/**
 * Renders it twice, and says what came of it. Returns the exit code.
 * @param accept keeps the fingerprint and the picture as those that are committed
 */
export async function renderDemo(session: Session, accept: boolean): Promise<number> {
  const hostile = hostileOf(session);
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
  if (accept) {
    writeFileSync(join(folder, "fingerprint.txt"), `${clean.fingerprint}\n`);
    copyFileSync(picture, join(root, "docs", "demo.svg"));
  }
  const here = (path: string) => relative(process.cwd(), path) || path;
  say(`Hear it   ${here(wav)}`);
  say(`See it    ${here(picture)}`);
  say(NEXT);
  return same && stopped.length === hostile.length ? 0 : 1;
}
