// What the live engine's workers run: one program, and a role.

import { workerData } from "node:worker_threads";
import { runAudioThread } from "./audio-thread.ts";
import { runControlThread } from "./control-thread.ts";

if ((workerData as { role: string }).role === "audio") runAudioThread();
else runControlThread();
