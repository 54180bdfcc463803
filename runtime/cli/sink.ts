// What the commands that make sound have in common: the user's own settings, and the sidecar that they lead to.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { BelljarError } from "../../abi/error.ts";
import type { SidecarCommand } from "../output/sidecar-client.ts";
import { configPath, readSinkConfig, type SinkConfig, sidecarCommand } from "../output/sink-config.ts";
import { shipped } from "../registry/place.ts";
import { text } from "./options.ts";

export const SINK_OPTIONS = {
  sidecar: text(),
  portaudio: text(),
};

/**
 * The settings of the user's configuration file ("output" in it), and what the command line says instead.
 * @throws BelljarError config/*
 */
export function readSettings(options: {
  sidecar?: string | undefined;
  portaudio?: string | undefined;
}): SinkConfig {
  const file = configPath();
  const config = readSinkConfig(existsSync(file) ? outputOf(file) : {}, file);
  if (options.sidecar !== undefined) config.sidecar_path = path.resolve(options.sidecar);
  if (options.portaudio !== undefined) {
    config.sidecar_args = [...config.sidecar_args, "--portaudio", path.resolve(options.portaudio)];
  }
  return config;
}

function outputOf(file: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new BelljarError(
      "config/json",
      `${file} is no JSON that can be read: ${(error as Error).message}.`,
    );
  }
  return (json as { output?: unknown } | null)?.output ?? {};
}

/** @throws BelljarError config/sidecar */
export function sidecarOf(config: SinkConfig): SidecarCommand {
  const own = shipped("sidecar.js");
  if (own === null) {
    throw new BelljarError(
      "config/sidecar",
      "dist/sidecar.js is not there.",
      "Build or install Belljar again.",
    );
  }
  return sidecarCommand(config, path.dirname(path.dirname(fileURLToPath(import.meta.url))), own);
}
