// What the live engine's workers run: one program, and a role.

import { workerData } from "node:worker_threads";
import { runAudioThread } from "./audio-thread.ts";
import { runControlThread } from "./control-thread.ts";
import { runGuardThread } from "./guard-thread.ts";
import { runMidiThread } from "./midi-thread.ts";

const { role } = workerData as { role: string };
if (role === "audio") runAudioThread();
else if (role === "guard") runGuardThread();
else if (role === "midi") runMidiThread();
else runControlThread();
