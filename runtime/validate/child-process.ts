// Asking the validating process for one digest.

import { startChild } from "../registry/start-child.ts";
import type { Elsewhere } from "./check.ts";
import { type ChildAnswer, type ChildRequest, FLAGS, type Subject } from "./child-message.ts";

const DIGEST_MS = 120_000;

/** The fingerprint of what a plugin plays in another process. Rejects where that process ends early or takes too long. */
export function digestElsewhere(script: string, how: Elsewhere, request: Subject): Promise<string> {
  const child = startChild(script, FLAGS[how]);
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the other process takes too long")), DIGEST_MS);
    child.on("close", () => {
      clearTimeout(timer);
      reject(new Error("the other process ended early"));
    });
    child.on("error", reject);
    child.on("message", (message: ChildAnswer) => {
      if (message.kind === "ready") child.send({ kind: "digest", ...request } satisfies ChildRequest);
      if (message.kind === "digest") resolve(message.digest);
    });
  }).finally(() => child.kill("SIGKILL"));
}
