// A session's file, read and made ready: what a host or the command line calls first.

import path from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { checkKeys, checkText, refuse } from "./arguments.ts";
import { loadPluginType } from "../registry/load.ts";
import { readRegularFile } from "../registry/read-file.ts";
import { LIMIT_NAMES } from "../sandbox/index.ts";
import { type PreparedSession, type PrepareOptions, prepareSession } from "./prepare.ts";
import { Recordings } from "./recordings.ts";
import { parseSession, type Session, SESSION_MAX_BYTES } from "./session.ts";

const OPTIONS: (keyof PrepareOptions)[] = [
  "load",
  "folder",
  "midi",
  "audio",
  "rate",
  "block",
  "unitBudget",
  "deadline",
  "clock",
  "timing",
  "onFault",
  "recovery",
  "record",
  "limits",
  "goOn",
];

/**
 * Reads a session from its file.
 * @throws BelljarError file/*, session/*
 */
export async function readSession(file: string): Promise<Session> {
  checkText("session's file", file);
  const bytes = await readRegularFile(file, SESSION_MAX_BYTES, "a session");
  const name = path.basename(file);
  return parseSession(textOf(bytes, name), name);
}

function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BelljarError("session/json", `${printable(name)} is not UTF-8 text, so it is no session.`);
  }
}

/**
 * Makes a session ready to be rendered, once, by renderSession. Its plugins come from this installation, or from the
 * folder of its file.
 * @param session a session's file, or what parseSession and readSession give
 * @throws BelljarError session/* naming the node, wire or file; module/*, descriptor/*, plugin/*, midi/*, wav/*
 */
export async function openSession(
  session: string | Session,
  options: Partial<PrepareOptions> = {},
): Promise<PreparedSession> {
  checkKeys("option of openSession", options, OPTIONS);
  if (options.record !== undefined && !(options.record instanceof Recordings)) {
    refuse("record", "a Recordings", options.record);
  }
  if (options.limits !== undefined) checkKeys("limit", options.limits, LIMIT_NAMES);
  const isFile = typeof session === "string";
  if (!isFile && !Array.isArray(session?.nodes)) {
    refuse("session", "a session's file, or what readSession or parseSession gives", session);
  }
  return prepareSession(isFile ? await readSession(session) : session, {
    load: (type) => loadPluginType(type, options.limits === undefined ? {} : { limits: options.limits }),
    folder: isFile ? path.dirname(path.resolve(session)) : null,
    clock: () => performance.now(),
    ...options,
  });
}
