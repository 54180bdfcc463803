// Which device a name means.

import { BelljarError, printable } from "../../../abi/error.ts";
import type { DeviceInfo, DeviceList } from "../../../abi/sidecar.ts";
import { didYouMean } from "../../graph/index.ts";

/** Ids of files begin with it. */
export const FILE = "wav:";
/** The device that is always there, and that nobody hears. */
export const NOBODY = "null";

/** Whether a name means what is there without any sound library. */
export const isAlwaysThere = (name: string): boolean => name === NOBODY || name.startsWith(FILE);

/**
 * The device that a name means: an id, else a part of the name that one alone has, else the default; null and wav by their own.
 * @throws BelljarError device/unknown
 */
export function chooseDevice({ devices, notes }: DeviceList, wanted: string | null): string {
  if (wanted === null) return devices.find(({ isDefault }) => isDefault)?.id ?? NOBODY;
  if (isAlwaysThere(wanted)) return wanted;
  const cards = devices.filter(({ id }) => !isAlwaysThere(id));
  const exact = cards.find(({ id }) => id === wanted);
  if (exact !== undefined) return exact.id;
  const titleOf = ({ api, name }: DeviceInfo): string => `${api}: ${name}`.toLowerCase();
  const found = cards.filter((device) => titleOf(device).includes(wanted.toLowerCase()));
  if (found.length === 1) return (found[0] as DeviceInfo).id;
  const shown = printable(wanted, 100);
  if (found.length > 1) {
    const ids = found.map(({ id }) => printable(id, 100)).join(", ");
    throw new BelljarError(
      "device/unknown",
      `"${shown}" could be ${found.length} devices.`,
      `Say which: ${ids}.`,
    );
  }
  const known = [...cards.map(({ id }) => id), ...cards.map(({ name }) => name), NOBODY];
  const missing = notes.map((note) => printable(note, 300)).join(" ");
  const hint = didYouMean(wanted, known, missing || "`belljar devices` lists what is there.");
  throw new BelljarError("device/unknown", `There is no device "${shown}".`, hint);
}
