// What `npm run bench -- live` can be told.

export const LIVE_PARTS = ["render", "latency", "ring", "rescue"] as const;
export type LivePart = (typeof LIVE_PARTS)[number];

export interface LiveBenchOptions {
  /** Of each device. */
  minutes: number;
  parts: readonly LivePart[];
  pulse: boolean;
}

export const LIVE_HELP = `options of live:
  --minutes N    how long the session plays on each device (10)
  --only PARTS   of ${LIVE_PARTS.join(", ")}: these, with commas between
  --no-pulse     not on PulseAudio, which is used where it is installed, with a server of its own`;

export class UsageError extends Error {}

const MOST_MINUTES = 600;

export function readLiveOptions(words: readonly string[]): LiveBenchOptions {
  const options: LiveBenchOptions = { minutes: 10, parts: LIVE_PARTS, pulse: true };
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === "--no-pulse") options.pulse = false;
    else if (word === "--minutes") options.minutes = minutesOf(words[++i]);
    else if (word === "--only") options.parts = partsOf(words[++i]);
    else throw new UsageError(`live has no option ${JSON.stringify(word)}.`);
  }
  return options;
}

function minutesOf(text = ""): number {
  const minutes = Number(text);
  if (text !== "" && minutes >= 0.02 && minutes <= MOST_MINUTES) return minutes;
  throw new UsageError(`--minutes takes a number from 0.02 to ${MOST_MINUTES}.`);
}

function partsOf(text = ""): LivePart[] {
  return text.split(",").map((name) => {
    const part = LIVE_PARTS.find((known) => known === name);
    if (part !== undefined) return part;
    throw new UsageError(`--only takes ${LIVE_PARTS.join(", ")}, not ${JSON.stringify(name)}.`);
  });
}
