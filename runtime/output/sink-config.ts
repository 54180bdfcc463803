// The settings of the sound card's sink. They come from the user's own configuration file and from the command line, and
// from nowhere else: two of them name a program that is started.

import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import type { Fit, SampleFormat } from "../../abi/sidecar.ts";
import type { SidecarCommand } from "./sidecar-client.ts";

export interface SinkConfig {
  /** The sidecar's program or script: absolute, or relative to the installation's folder or its bin/. null: Belljar's own. */
  sidecar_path: string | null;
  sidecar_args: string[];
  /** Frames of the device's buffer; null: the device's choice. */
  buffer_size_frames: number | null;
  /** Milliseconds that the ring holds. */
  ring_capacity_ms: number;
  /** Frames that are written to the device at a time. */
  preferred_chunk_frames: number;
  /** Milliseconds that the last sound may take to be played at the end. */
  flush_timeout_ms: number;
  /** A device's id or a part of its name; null: the system's default. */
  device: string | null;
  sample_format: SampleFormat;
  /** What happens where the device can't do what the session wants. */
  fit: Fit;
  /** WASAPI: the device to this program alone. */
  exclusive: boolean;
  /** Whether the default device plays on when the chosen one is lost. */
  fallback_to_default: boolean;
}

export const DEFAULT_SINK: Readonly<SinkConfig> = {
  sidecar_path: null,
  sidecar_args: [],
  buffer_size_frames: null,
  ring_capacity_ms: 250,
  preferred_chunk_frames: 256,
  flush_timeout_ms: 400,
  device: null,
  sample_format: "float32",
  fit: "nearest",
  exclusive: false,
  fallback_to_default: false,
};

type Check = (value: unknown) => boolean;
const whole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value as string);
const text: Check = (value) => typeof value === "string" && value.length > 0 && value.length <= 4096;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const truth: Check = (value) => typeof value === "boolean";

/** What each setting may be, and how that is said. */
const RULES: Record<keyof SinkConfig, [Check, string]> = {
  sidecar_path: [orNull(text), "a path, or null"],
  sidecar_args: [
    (value) => Array.isArray(value) && value.length <= 64 && value.every(text),
    "a list of texts",
  ],
  buffer_size_frames: [orNull(whole(1, 65_536)), "1 to 65536, or null"],
  ring_capacity_ms: [whole(20, 20_000), "20 to 20000"],
  preferred_chunk_frames: [whole(16, 8192), "16 to 8192"],
  flush_timeout_ms: [whole(0, 60_000), "0 to 60000"],
  device: [orNull(text), "a device's name, or null"],
  sample_format: [oneOf("float32", "int32", "int24", "int16"), '"float32", "int32", "int24" or "int16"'],
  fit: [oneOf("nearest", "fixed", "match"), '"nearest", "fixed" or "match"'],
  exclusive: [truth, "true or false"],
  fallback_to_default: [truth, "true or false"],
};

/**
 * The settings, with defaults for what is not said.
 * @param from what errors call their source
 * @throws BelljarError config/key, config/value
 */
export function readSinkConfig(given: unknown, from: string): SinkConfig {
  if (given === null || typeof given !== "object" || Array.isArray(given)) {
    throw new BelljarError("config/value", `${from} must hold an object.`);
  }
  const config: SinkConfig = { ...DEFAULT_SINK, sidecar_args: [] };
  for (const [key, value] of Object.entries(given)) {
    const rule = Object.hasOwn(RULES, key) ? RULES[key as keyof SinkConfig] : undefined;
    if (rule === undefined) {
      throw new BelljarError(
        "config/key",
        `${from} has the setting "${printable(key, 60)}", which is not known.`,
        `Known are ${Object.keys(RULES).join(", ")}.`,
      );
    }
    const [check, wanted] = rule;
    if (!check(value)) {
      throw new BelljarError(
        "config/value",
        `${from}: "${key}" must be ${wanted}, not ${printable(JSON.stringify(value) ?? "nothing", 60)}.`,
      );
    }
    Object.assign(config, { [key]: value });
  }
  return config;
}

/** Scripts are run by this Node. */
const SCRIPT = /\.[cm]?js$/;

/**
 * The program to start.
 * @param folder the installation's: relative paths are looked for there, then in its bin/
 * @param own Belljar's own sidecar
 * @throws BelljarError config/sidecar
 */
export function sidecarCommand(config: SinkConfig, folder: string, own: string): SidecarCommand {
  const program = config.sidecar_path === null ? own : findSidecar(config.sidecar_path, folder);
  return SCRIPT.test(program)
    ? { program: process.execPath, args: [program, ...config.sidecar_args] }
    : { program, args: config.sidecar_args };
}

function findSidecar(name: string, folder: string): string {
  const places = path.isAbsolute(name) ? [name] : [path.join(folder, name), path.join(folder, "bin", name)];
  // A folder of that name is none.
  const found = places.find((place) => existsSync(place) && statSync(place).isFile());
  if (found !== undefined) return found;
  throw new BelljarError(
    "config/sidecar",
    `There is no sidecar "${printable(name, 120)}".`,
    path.isAbsolute(name)
      ? ""
      : "A relative sidecar_path is looked for in the installation's folder and its bin/.",
  );
}

/** Where the user's own configuration lies. */
export function configPath(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
): string {
  const home = env["HOME"] ?? env["USERPROFILE"] ?? ".";
  if (platform === "win32")
    return path.join(env["APPDATA"] ?? path.join(home, "AppData", "Roaming"), "belljar", "config.json");
  if (platform === "darwin")
    return path.join(home, "Library", "Application Support", "belljar", "config.json");
  return path.join(env["XDG_CONFIG_HOME"] ?? path.join(home, ".config"), "belljar", "config.json");
}
