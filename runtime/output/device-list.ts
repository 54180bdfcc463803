// What devices there are, asked so that no sound library can keep the answer back: one that ends or hangs the sidecar
// that asks it is left out by the next one.

import { BelljarError, printable } from "../../abi/error.ts";
import type { DeviceList } from "../../abi/sidecar.ts";
import type { SidecarClient } from "./sidecar-client.ts";

/** What becomes of a sidecar whose library fails. */
const FATAL = new Set(["sidecar/ended", "sidecar/timeout", "device/stuck"]);

const ADDON = "naudiodon";

/** The libraries that need not be asked for a device: naudiodon has what PortAudio has, and takes a process of its own. */
export function notNeededFor(device: string | null): readonly string[] {
  return device?.startsWith(`${ADDON}:`) ? [] : [ADDON];
}

/**
 * Starts a sidecar and lists; as many times as there are libraries that fail. Gives the sidecar that lives.
 * @param leaveOut libraries that are not asked
 * @throws BelljarError sidecar/*
 */
export async function listDevices(
  start: () => Promise<SidecarClient>,
  leaveOut: readonly string[] = [],
): Promise<{ client: SidecarClient; list: DeviceList }> {
  const without = [...leaveOut];
  const failed: string[] = [];
  for (;;) {
    const client = await start();
    try {
      const list = await client.request("list", { without });
      return { client, list: { ...list, notes: [...failed, ...list.notes] } };
    } catch (error) {
      client.kill();
      const { asking } = client;
      if (!(error instanceof BelljarError) || !FATAL.has(error.code)) throw error;
      if (asking === null || without.includes(asking.name)) throw error;
      without.push(asking.name);
      failed.push(whyWithout(asking.path, error));
    }
  }
}

function whyWithout(path: string, { code, message, hint }: BelljarError): string {
  const why = code === "sidecar/ended" ? "it ended the process that asked" : "it did not answer";
  const more = hint === "" ? "" : ` (${printable(hint, 120)})`;
  return `The sound library ${printable(path, 200)} can't be used: ${why}. ${message}${more}`;
}
