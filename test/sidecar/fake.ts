// The PortAudio library of fake-portaudio.c: built, and its cards pulled out and put in.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { root } from "../root.ts";

/** Builds it; what is missing for that, or null. */
export function buildFake(library: string): string | null {
  if (process.platform !== "linux") return "the library is built on Linux";
  const source = join(root, "test", "sidecar", "fake-portaudio.c");
  const { status, error, stderr } = spawnSync("clang", ["-shared", "-fPIC", "-O1", "-o", library, source]);
  if (error !== undefined) return "clang is not installed";
  assert.is(status, 0, String(stderr));
  return null;
}

/** A shelf of cards: "48000 Name", the default one first. */
export class Cards {
  readonly env: Record<string, string>;
  private readonly file: string;
  private readonly folder: string;
  private knocks = 0;

  constructor(folder: string, cards: string[]) {
    mkdirSync(folder, { recursive: true });
    this.folder = folder;
    this.file = join(folder, "cards");
    this.env = { FAKE_CARDS: this.file };
    this.put(cards);
  }

  /** The cards from now on. Nobody is told. */
  put(cards: string[]): void {
    writeFileSync(`${this.file}.new`, `${cards.join("\n")}\n`);
    renameSync(`${this.file}.new`, this.file);
  }

  /** The cards from now on, and a sign of it as systems give one: here, a sound server that begins to listen. */
  async plug(cards: string[]): Promise<void> {
    this.put(cards);
    const run = join(this.folder, String(this.knocks++), "pulse");
    mkdirSync(run, { recursive: true });
    const server = createServer();
    server.listen(join(run, "native"));
    await once(server, "listening");
    // Until the test ends: it must not be missed.
    process.on("exit", () => rmSync(run, { recursive: true, force: true }));
    server.unref();
  }
}
