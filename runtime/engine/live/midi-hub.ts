// Connections to MIDI inputs that come and go: found by name, opened, lost and found again. What comes over them is turned into
// events; a connection that is lost lets go of its notes.

import { BelljarError, printable } from "../../../abi/error.ts";
import { ArrivalClock } from "./midi-arrival.ts";
import type { MidiDriver, MidiPort } from "./midi-driver.ts";
import { DEVICE_NOTE_IDS, MidiInput, type MidiInputEvent } from "./midi-input.ts";

/** What a connection is to be. */
export interface MidiWish {
  /** An input's name, or a part of it that one input alone has. */
  device: string;
  /** Only this channel, 0 to 15; -1: all. */
  channel: number;
}

export interface MidiHubOptions {
  driver: MidiDriver;
  /** Milliseconds of a steady clock. */
  now: () => number;
  /** An event of a connection, and when it came. */
  play: (connection: number, time: number, event: MidiInputEvent) => void;
  /** A connection was lost, or is back. */
  tell: (what: "lost" | "back", connection: number, device: string) => void;
}

interface Connection {
  wish: MidiWish;
  input: MidiInput;
  /** The input that it is or was connected to. */
  device: string;
  isLost: boolean;
}

interface OpenPort {
  port: MidiPort;
  connections: Set<Connection>;
}

/** Ids of notes that each connection has for itself. */
const NOTE_IDS = 2 ** 22;

export class MidiHub {
  private readonly options: MidiHubOptions;
  private readonly connections = new Map<number, Connection>();
  /** By the input's name: what several connections play from is opened once. */
  private readonly ports = new Map<string, OpenPort>();
  /** When what is played now came. */
  private time = 0;
  private isDeaf = false;

  constructor(options: MidiHubOptions) {
    this.options = options;
  }

  /** @throws BelljarError midi/system */
  inputs(): string[] {
    return this.options.driver.inputs();
  }

  /**
   * @returns the input's name
   * @throws BelljarError midi/input, midi/open, midi/system
   */
  connect(number: number, wish: MidiWish): string {
    const device = findInput(wish.device, this.inputs());
    const input = new MidiInput((event) => this.options.play(number, this.time, event), {
      ...(wish.channel < 0 ? {} : { channel: wish.channel }),
      firstNoteId: DEVICE_NOTE_IDS + number * NOTE_IDS,
      noteIds: NOTE_IDS,
    });
    const connection: Connection = { wish, input, device, isLost: false };
    this.open(connection, device);
    this.connections.set(number, connection);
    return device;
  }

  disconnect(number: number): void {
    const connection = this.connections.get(number);
    if (connection === undefined) return;
    this.connections.delete(number);
    this.release(connection);
    if (!connection.isLost) this.leave(connection);
  }

  /** Looks which inputs have gone and which are back. */
  look(): void {
    const names = this.tryInputs();
    for (const [number, connection] of this.connections) {
      const { device, isLost } = connection;
      if (isLost) {
        const found = findAgain(connection, names);
        if (found === null || !this.tryOpen(connection, found)) continue;
        connection.isLost = false;
        this.options.tell("back", number, found);
      } else if (!names.includes(device)) {
        connection.isLost = true;
        this.leave(connection);
        this.release(connection);
        this.options.tell("lost", number, device);
      }
    }
  }

  /** Lets go of all notes, and hears nothing from now on; or hears again. */
  setDeaf(isDeaf: boolean): void {
    this.isDeaf = isDeaf;
    if (isDeaf) for (const connection of this.connections.values()) this.release(connection);
  }

  close(): void {
    for (const { port } of this.ports.values()) port.close();
    this.ports.clear();
    this.connections.clear();
  }

  private tryInputs(): string[] {
    try {
      return this.inputs();
    } catch {
      // The system's MIDI is away as a whole.
      return [];
    }
  }

  private release({ input }: Connection): void {
    this.time = this.options.now();
    input.release();
  }

  private tryOpen(connection: Connection, device: string): boolean {
    try {
      this.open(connection, device);
      return true;
    } catch {
      return false;
    }
  }

  private open(connection: Connection, device: string): void {
    const { driver, now } = this.options;
    connection.device = device;
    const open = this.ports.get(device);
    if (open !== undefined) {
      open.connections.add(connection);
      return;
    }
    const clock = new ArrivalClock();
    const connections = new Set([connection]);
    const port = driver.open(device, (bytes, since) => {
      this.time = clock.at(now(), since);
      if (this.isDeaf) return;
      for (const { input } of connections) input.receive(bytes);
    });
    this.ports.set(device, { port, connections });
  }

  private leave(connection: Connection): void {
    const open = this.ports.get(connection.device);
    if (open === undefined) return;
    open.connections.delete(connection);
    if (open.connections.size > 0) return;
    this.ports.delete(connection.device);
    open.port.close();
  }
}

/**
 * The input that is meant: the one of that name, or the one that has this in its name.
 * @throws BelljarError midi/input
 */
export function findInput(wish: string, names: readonly string[]): string {
  const found = candidates(wish, names);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const asked = printable(wish, 60);
  const named = (list: readonly string[]): string =>
    list.map((name) => `"${printable(name, 120)}"`).join(", ");
  if (first !== undefined) {
    throw new BelljarError(
      "midi/input",
      `"${asked}" could be any of the MIDI inputs ${named(found)}.`,
      "Give more of the name.",
    );
  }
  throw new BelljarError(
    "midi/input",
    names.length === 0
      ? `There is no MIDI input "${asked}"; none is connected.`
      : `There is no MIDI input "${asked}"; there are ${named(names)}.`,
  );
}

function candidates(wish: string, names: readonly string[]): string[] {
  if (names.includes(wish)) return [wish];
  const part = wish.toLowerCase();
  return part === "" ? [] : names.filter((name) => name.toLowerCase().includes(part));
}

/** A name without the numbers that the system gave it, which are others after it was pulled out: "Keys:Keys MIDI 1 20:0". */
const lasting = (name: string): string => name.replace(/ \d+(:\d+)?$/, "");

/** The input of that name, by its own name or by its wish; null: it is not there, or which it is can't be told. */
function findAgain({ device, wish }: Connection, names: readonly string[]): string | null {
  if (names.includes(device)) return device;
  const same = names.filter((name) => lasting(name) === lasting(device));
  const found = same.length > 0 ? same : candidates(wish.device, names);
  return found.length === 1 ? (found[0] as string) : null;
}
