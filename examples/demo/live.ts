// `npm start`: the prelude, live, with three hostile plugins wired in.

import { perform } from "../../runtime/cli/performance.ts";
import { readSettings } from "../../runtime/cli/sink.ts";
import { painter } from "../../runtime/cli/table.ts";
import type { Session } from "../../runtime/index.ts";
import { folder, hostileOf, NEXT } from "./place.ts";

/** Where the eleventh bar ends, and with it the way from C to G. Seconds. */
const ELEVEN_BARS = 39.3;
/** Nobody plays along, so sound may lie ready that a busy machine does not get through. Milliseconds. */
const LATENCY = 40;
/** Where there is no terminal. Seconds. */
const HEARTBEAT = 10;
const EXIT_INTERRUPTED = 130;

const say = (text: string) => process.stdout.write(`${text}\n`);

export interface LiveChoice {
  whole: boolean;
  device: string | undefined;
  seconds: number | undefined;
}

/** Plays it once, and says what came of it. Returns the exit code. */
export async function playDemo(session: Session, { whole, device, seconds }: LiveChoice): Promise<number> {
  const hostile = hostileOf(session).map(({ id }) => id);
  const settings = readSettings({});
  const bars = whole ? "2:17" : "its first eleven bars, 45 s (--whole: all 35)";
  const length = seconds === undefined ? bars : `${seconds} s of it`;
  say(`Johann Sebastian Bach, Prelude in C major, live: ${length}. Ctrl-C ends it.`);
  say(
    `${hostile.length} hostile plugins are wired in: an endless loop, one that writes NaN, and one that chases`,
  );
  say("pointers through its whole memory. Each wakes up in mid-piece, and is stopped in its own block.\n");
  const {
    rows,
    late,
    device: heardOn,
    complete,
    impatient,
  } = await perform(
    session,
    { folder, device, settings, latency: LATENCY },
    {
      json: false,
      seconds,
      finishAt: whole || seconds !== undefined ? undefined : ELEVEN_BARS,
      named: (device ?? settings.device) !== null,
      heartbeat: HEARTBEAT,
    },
  );
  if (impatient) return EXIT_INTERRUPTED;
  const stopped = rows.filter(({ story }) => story.faultCount > 0).map(({ node }) => node.id);
  const caught = hostile.filter((id) => stopped.includes(id));
  const harmed = stopped.filter((id) => !hostile.includes(id));
  say(`\n${verdict(hostile.length, caught.length, harmed, late, complete)}`);
  if (heardOn === "null")
    say("Nobody heard it: npx belljar devices says what sound can be heard on, and what is missing.");
  say(
    "\nProof     npm start -- --render                         the music is the same without them, bit by bit",
  );
  say(NEXT);
  return complete && caught.length < hostile.length ? 1 : 0;
}

function verdict(all: number, caught: number, harmed: string[], late: number, complete: boolean): string {
  if (caught === 0 && !complete) return "It ended before a hostile plugin woke up.";
  const others =
    harmed.length === 0
      ? "no other one was"
      : `so were others that took too long here (${harmed.join(", ")})`;
  const blocks =
    late === 0 ? "no block was late" : `${late} ${late === 1 ? "block was" : "blocks were"} late`;
  const text = `${caught} of ${all} hostile plugins were stopped in their own block; ${others}, and ${blocks}.`;
  const well = caught === all && harmed.length === 0 && late === 0;
  return well ? painter(process.stdout)("green", text) : text;
}
