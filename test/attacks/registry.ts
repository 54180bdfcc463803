// What this machine has found out of modules, forged.

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { inFolder } from "./around.ts";
import type { Attack } from "./twin.ts";

const VERDICTS = "runtime/registry/verdicts.ts";
const BOMB = new TextEncoder().encode("a module that takes a minute and 4 GB to compile");
const HARMLESS = new TextEncoder().encode("a module");
const LIMITS = { base: 500, perKiB: 5, most: 20_000, wall: 60_000, memory: 300 << 20 };

/** Whether the bomb would be compiled unseen. */
const believed = (known: boolean): string =>
  known ? "the bomb is compiled at once" : "the bomb is tried first";

/** Whose files and folders seem to be another user's while `act` runs. */
function ofAnother<T>(path: (path: string) => boolean, act: () => T): T {
  const real = fs.lstatSync;
  const lie = (name: string, ...rest: []) => {
    const facts = real(name, ...rest);
    if (path(name)) facts.uid = 54_321;
    return facts;
  };
  Object.assign(fs, { lstatSync: lie });
  syncBuiltinESMExports();
  try {
    return act();
  } finally {
    Object.assign(fs, { lstatSync: real });
    syncBuiltinESMExports();
  }
}

export const ATTACKS: Attack[] = [
  {
    attack: "Another user made the folder of verdicts first, and says that a bomb compiles well",
    defence: { file: VERDICTS, line: "if (facts.uid !== process.getuid()) return null;", off: "" },
    attempt: ({ isKnown, remember, verdictKey }) =>
      inFolder(async (folder) => {
        const key = verdictKey(BOMB, LIMITS);
        remember(key, folder);
        return believed(
          ofAnother(
            (path) => path.endsWith("compiles"),
            () => isKnown(key, folder),
          ),
        );
      }),
    stopped: "the bomb is tried first",
    reached: "the bomb is compiled at once",
  },
  {
    attack: "Another user left a verdict there while the folder was open to all",
    defence: {
      file: VERDICTS,
      line: "if (process.getuid !== undefined && facts.uid !== process.getuid()) return false;",
      off: "",
    },
    attempt: ({ isKnown, remember, verdictKey }) =>
      inFolder(async (folder) => {
        const key = verdictKey(BOMB, LIMITS);
        remember(key, folder);
        return believed(
          ofAnother(
            (path) => path.endsWith(".json"),
            () => isKnown(key, folder),
          ),
        );
      }),
    stopped: "the bomb is tried first",
    reached: "the bomb is compiled at once",
  },
  {
    attack: "A verdict on a harmless module gets the name of a bomb's",
    defence: { file: VERDICTS, line: ' && "key" in verdict && verdict.key === key', off: "" },
    attempt: ({ isKnown, remember, verdictKey }) =>
      inFolder(async (folder) => {
        const [good, bad] = [verdictKey(HARMLESS, LIMITS), verdictKey(BOMB, LIMITS)];
        remember(good, folder);
        await rename(join(folder, "compiles", `${good}.json`), join(folder, "compiles", `${bad}.json`));
        return believed(isKnown(bad, folder));
      }),
    stopped: "the bomb is tried first",
    reached: "the bomb is compiled at once",
  },
  {
    attack: "A bomb is tried under limits that let it pass, and believed under those that do not",
    defence: { file: VERDICTS, line: ", base, perKiB, most, memory]", off: "]" },
    attempt: ({ isKnown, remember, verdictKey }) =>
      inFolder(async (folder) => {
        remember(verdictKey(BOMB, { ...LIMITS, base: 3_600_000, most: 3_600_000 }), folder);
        return believed(isKnown(verdictKey(BOMB, LIMITS), folder));
      }),
    stopped: "the bomb is tried first",
    reached: "the bomb is compiled at once",
  },
  {
    attack: "One verdict on a harmless module, for all that come after",
    defence: { file: VERDICTS, line: '.update("\\0").update(bytes)', off: "" },
    attempt: ({ isKnown, remember, verdictKey }) =>
      inFolder(async (folder) => {
        remember(verdictKey(HARMLESS, LIMITS), folder);
        return believed(isKnown(verdictKey(BOMB, LIMITS), folder));
      }),
    stopped: "the bomb is tried first",
    reached: "the bomb is compiled at once",
  },
];
