// What `playLive` can be told, and what it tells; and what of that is no use.

import { BelljarError, printable } from "../../../abi/error.ts";
import type { SinkConfig } from "../../output/sink-config.ts";
import { checkKeys, checkNumber, checkText, checkWhole, refuse } from "../arguments.ts";
import { HIGHEST_RATE, LOWEST_RATE, type Session } from "../session.ts";
import type { OutputEvent } from "./live-output.ts";
import type { LiveOptions, LiveSessionEvent } from "./live-session.ts";

/** What happens while it plays, told once each. */
export type PlayEvent = LiveSessionEvent | OutputEvent;

export interface PlayOptions extends Partial<Omit<LiveOptions, "free" | "onEvent">> {
  /** A device's id or a part of its name, "null" (nobody hears it) or "wav:FILE". Default: what `settings` say. */
  device?: string | undefined;
  /** Milliseconds of sound that lie ready, 1 to 5000. Default: four blocks. */
  latency?: number | undefined;
  /** Frames of the device's buffer. Default: what `settings` say. */
  buffer?: number | undefined;
  /** MIDI devices that play nodes of type event_input from the first sound on; others can be added with session.connectMidi. */
  inputs?: readonly PlayedInput[] | undefined;
  /** The other settings of the sound card's sink, as in the configuration file, which is not read here. */
  settings?: Partial<SinkConfig> | undefined;
  /** Called on the host's thread, soon after. */
  onEvent?: ((event: PlayEvent) => void) | undefined;
}

/** A MIDI device, and the node that it plays. */
export interface PlayedInput {
  /** An input's name (see listMidiInputs), or a part of it that one input alone has. */
  device: string;
  node: string;
  /** Only this channel, 0 to 15; all unless said. */
  channel?: number | undefined;
}

const OPTIONS: (keyof PlayOptions)[] = [
  ...(["folder", "midi", "audio", "rate", "block", "deadline", "onFault", "recovery", "patience"] as const),
  ...(["device", "latency", "buffer", "settings", "inputs", "onEvent"] as const),
];
/** Frames of a block that is played live. */
export const LIVE_BLOCKS = { least: 32, most: 4096, usual: 128 };
/** Shares of a block's time that one plugin may take. */
export const DEADLINES = { least: 0.01, most: 100 };

/** @throws BelljarError usage/option, usage/value */
export function checkPlayOptions(options: PlayOptions): void {
  checkKeys("option of playLive", options, OPTIONS);
  const { device, folder, latency, buffer, block, rate, deadline, inputs, onEvent } = options;
  if (device !== undefined) checkText("device", device);
  if (folder !== undefined && folder !== null) checkText("folder", folder);
  if (latency !== undefined) checkNumber("latency", latency, 1, 5000);
  if (buffer !== undefined) checkWhole("buffer", buffer, 1, 65_536);
  if (block !== undefined) checkWhole("block", block, LIVE_BLOCKS.least, LIVE_BLOCKS.most);
  if (rate !== undefined) checkWhole("rate", rate, LOWEST_RATE, HIGHEST_RATE);
  if (deadline !== undefined) checkNumber("deadline", deadline, DEADLINES.least, DEADLINES.most);
  for (const name of ["midi", "audio"] as const) {
    const files = options[name];
    if (files !== undefined && !(files instanceof Map)) refuse(name, "a Map of files", files);
  }
  if (onEvent !== undefined && typeof onEvent !== "function") refuse("onEvent", "a function", onEvent);
  if (inputs !== undefined && !Array.isArray(inputs)) refuse("inputs", "a list", inputs);
  for (const input of inputs ?? []) {
    checkKeys("option of an input", input, ["device", "node", "channel"]);
    checkText("node of an input", input.node);
    checkText("device of an input", input.device);
    if (input.channel !== undefined) checkWhole("channel of an input", input.channel, 0, 15);
  }
}

/**
 * Frames of a block.
 * @throws BelljarError session/block-size where the session has one that is not for playing live, and no other is wished
 */
export function playedBlock({ block }: PlayOptions, { name, blockSize }: Session): number {
  const { least, most, usual } = LIVE_BLOCKS;
  if (block !== undefined) return block;
  if (blockSize === null || (blockSize >= least && blockSize <= most)) return blockSize ?? usual;
  throw new BelljarError(
    "session/block-size",
    `${printable(name, 200)} has blocks of ${blockSize} frames; live they have ${least} to ${most}.`,
    `Play it with others: --block ${usual} (block in the host API).`,
  );
}
