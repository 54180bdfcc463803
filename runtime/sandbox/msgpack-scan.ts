// A descriptor's bytes, looked through before any decoder sees them.

import { BelljarError } from "../../abi/error.ts";
import { type ScanBounds, scanMessagePack } from "../../abi/messagepack.ts";
import { type Limits, limitHint } from "./limits.ts";

/** What the bounds are called among the limits. */
const LIMIT = {
  bytes: "descriptorBytes",
  depth: "descriptorDepth",
  values: "descriptorValues",
  text: "stringBytes",
} as const satisfies Record<keyof ScanBounds, keyof Limits>;

/**
 * Checks that `bytes` are exactly one well-formed MessagePack value within `limits`.
 * @throws BelljarError descriptor/too-large, /empty, /truncated, /trailing, /too-deep, /too-many, /too-long, /extension,
 * /reserved, /key, /duplicate-key, /utf8, /not-finite, /integer
 */
export function scanDescriptor(
  bytes: Uint8Array,
  limits: Pick<Limits, (typeof LIMIT)[keyof ScanBounds]>,
): void {
  const bounds = {
    bytes: limits.descriptorBytes,
    depth: limits.descriptorDepth,
    values: limits.descriptorValues,
    text: limits.stringBytes,
  };
  scanMessagePack(bytes, bounds, (what, sentence, bound, needed) => {
    const name = bound === undefined ? null : LIMIT[bound];
    const which = name === null ? "" : ` (${name})`;
    const hint = name === null ? "" : limitHint(name, needed);
    return new BelljarError(`descriptor/${what}`, `The descriptor is wrong: ${sentence}${which}.`, hint);
  });
}
