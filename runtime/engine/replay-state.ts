// What the host had in a plugin's memory at a call that is played again, as the recording tells it; and how it gets there.

import type { PluginInstance } from "../sandbox/index.ts";
import { EVENT_WORDS, type RecordedEntry, TRANSPORT_WORDS } from "./recording-calls.ts";

type Kind<K extends RecordedEntry["entry"]> = Extract<RecordedEntry, { entry: K }>;

/** A recording that asks for what this plugin does not have. */
export class Mismatch extends Error {}

/** Made when the instance was activated. */
export class ReplayState {
  private readonly instance: PluginInstance;
  private readonly controls: Int32Array;
  private readonly controlsNow: Int32Array;
  private readonly flagsNow: Int32Array;
  private readonly transport: Int32Array | null;
  private readonly transportSeen = new Int32Array(TRANSPORT_WORDS);
  private readonly transportBefore = new Int32Array(TRANSPORT_WORDS);
  private readonly offsets = new Int32Array(TRANSPORT_WORDS);
  private readonly arenaNow: Uint8Array;
  private arenaChanged = false;
  private events: Int32Array | null = null;
  private readonly sound = new Map<number, Uint8Array>();

  constructor(instance: PluginInstance) {
    const { controlsIn, transport, audio, arena } = instance;
    this.instance = instance;
    this.controls = new Int32Array(controlsIn.buffer, controlsIn.byteOffset, controlsIn.length);
    this.controlsNow = new Int32Array(controlsIn.length);
    this.flagsNow = new Int32Array(audio.length);
    this.transport =
      transport === null ? null : new Int32Array(transport.buffer, transport.byteOffset, TRANSPORT_WORDS);
    this.arenaNow = new Uint8Array(arena.length);
  }

  setPairs({ entry, pairs }: Kind<"controls" | "flags">): void {
    const to = entry === "controls" ? this.controlsNow : this.flagsNow;
    for (let i = 0; i < pairs.length; i += 2) {
      const slot = pairs[i] as number;
      if (slot >= to.length) throw new Mismatch(`it sets ${entry} that the plugin has not`);
      to[slot] = pairs[i + 1] as number;
    }
  }

  predictTransport({ mask, offsets }: Kind<"transport">): void {
    if (this.transport === null) throw new Mismatch("the plugin takes no transport");
    let next = 0;
    for (let w = 0; w < TRANSPORT_WORDS; w++) {
      if ((mask >> w) & 1) this.offsets[w] = offsets[next++] as number;
    }
  }

  setTransport({ bytes }: Kind<"transportSet">): void {
    if (this.transport === null) throw new Mismatch("the plugin takes no transport");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let w = 0; w < TRANSPORT_WORDS; w++) this.transportSeen[w] = view.getInt32(w * 4, true);
    this.transportBefore.set(this.transportSeen);
  }

  setEvents({ words }: Kind<"events">): void {
    if (words.length / EVENT_WORDS > this.instance.eventsIn.capacity) {
      throw new Mismatch("a block has more events than the plugin takes");
    }
    this.events = words;
  }

  setArena({ at, bytes }: Kind<"arena">): void {
    if (at + bytes.length > this.arenaNow.length) throw new Mismatch("the plugin's arena is smaller");
    this.arenaNow.set(bytes, at);
    this.arenaChanged = true;
  }

  setSound({ port, bytes }: Kind<"sound">, frames: number): void {
    const input = this.instance.audio[port];
    if (input?.input !== true) throw new Mismatch("it has sound for an input that the plugin has not");
    if (bytes.length !== input.channels * frames * 4)
      throw new Mismatch("its sound is not as long as a block");
    this.sound.set(port, bytes);
  }

  /** Before any call: what the host had set. */
  apply(): void {
    this.controls.set(this.controlsNow);
    const { audio } = this.instance;
    for (let i = 0; i < audio.length; i++) {
      const port = audio[i];
      if (port !== undefined) port.flags = this.flagsNow[i] as number;
    }
    this.transport?.set(this.transportSeen);
  }

  /** Before a block of so many frames: that, the transport a block further, events and sound. */
  applyBlock(frames: number): void {
    const { instance, transportSeen, transportBefore, offsets, events } = this;
    if (this.transport !== null) {
      for (let w = 0; w < TRANSPORT_WORDS; w++) {
        const last = transportSeen[w] as number;
        transportSeen[w] = 2 * last - (transportBefore[w] as number) + (offsets[w] as number);
        transportBefore[w] = last;
      }
      offsets.fill(0);
    }
    this.apply();
    instance.eventsIn.clear();
    if (events !== null) {
      instance.eventsIn.words.set(events);
      instance.eventsIn.count = events.length / EVENT_WORDS;
      this.events = null;
    }
    if (this.arenaChanged) {
      instance.arena.set(this.arenaNow);
      this.arenaChanged = false;
    }
    instance.audio.forEach((port, i) => {
      if (!port.input) return;
      const bytes = this.sound.get(i);
      for (let c = 0; c < port.channels; c++) {
        const at = c * port.stride;
        if (bytes === undefined) port.samples.fill(0, at, at + frames);
        else copyBits(bytes, c * frames * 4, port.samples, at, frames);
      }
    });
    this.sound.clear();
  }
}

/** Little-endian samples to where a plugin has them, bit for bit. */
function copyBits(from: Uint8Array, fromAt: number, to: Float32Array, at: number, count: number): void {
  const bytes = new Uint8Array(to.buffer, to.byteOffset + at * 4, count * 4);
  bytes.set(from.subarray(fromAt, fromAt + count * 4));
}
