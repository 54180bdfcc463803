// `npm start`: a prelude by Bach, played by several plugins, with three hostile ones wired in; live, or as a file.

import { join } from "node:path";
import { flag, number, parseOptions, takePositionals, text } from "../../runtime/cli/options.ts";
import { runProgram } from "../../runtime/cli/program.ts";
import { BelljarError, readSession } from "../../runtime/index.ts";
import { LONGEST_SECONDS } from "../../runtime/engine/render.ts";
import { playDemo } from "./live.ts";
import { folder } from "./place.ts";
import { renderDemo } from "./render.ts";

const HELP = `Plays a prelude by Bach live, with three hostile plugins wired in. Each of them wakes up in mid-piece,
and is stopped inside its own block while the music goes on. Where there is no sound card it plays all
the same, to nobody, in exact time. Ctrl-C lets the sound ring out; a second one ends at once.

Usage: npm start [-- OPTIONS]

  --whole         all 35 bars (2:17), instead of the first eleven (about 45 s)
  --device NAME   a device's id or a part of its name (npx belljar devices), null or wav:FILE;
                  the system's default unless said
  --seconds N     end after so long
  --render        render the whole piece into a file instead, faster than it sounds, with a table and
                  a picture; then without the hostile plugins, to compare the two bit by bit
  --accept        with --render, after a change that is meant to be heard: keep the fingerprint and
                  the picture as those that are committed

Exit code: 0 played or rendered; 1 a hostile plugin was not stopped, or the music was not the same;
130 Ctrl-C was pressed twice; 2 bad input.

Examples:
  npm start
  npm start -- --whole --device "USB"
  npm start -- --device wav:prelude.wav
  npm start -- --render
`;

const OPTIONS = {
  whole: flag(),
  device: text(),
  seconds: number(0, LONGEST_SECONDS),
  render: flag(),
  accept: flag(),
  help: flag("h"),
};

async function start(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  takePositionals(positionals, []);
  const { render, accept, ...live } = options;
  if (accept && !render) {
    throw new BelljarError("usage/option", "--accept goes with --render.", "npm start -- --render --accept");
  }
  for (const name of ["whole", "device", "seconds"] as const) {
    if (!render || live[name] === undefined || live[name] === false) continue;
    throw new BelljarError("usage/option", `--${name} does not go with --render.`);
  }
  const session = await readSession(join(folder, "session.json"));
  return render ? await renderDemo(session, accept) : await playDemo(session, live);
}

runProgram(() => start(process.argv.slice(2)));
