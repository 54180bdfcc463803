// What the host had in a plugin's memory at a call that is played again, as the recording tells it; and how it gets there.

import type { AudioPort, PluginInstance } from "../sandbox/index.ts";
import { WordReplay } from "./recorded-words.ts";
import { EVENT_WORDS, type RecordedEntry, TRANSPORT_WORDS } from "./recording-calls.ts";

type Kind<K extends RecordedEntry["entry"]> = Extract<RecordedEntry, { entry: K }>;

/** A recording that asks for what this plugin does not have. */
export class Mismatch extends Error {}

/** Made when the instance was activated. */
export class ReplayState {
  private readonly instance: PluginInstance;
  private readonly controls: Int32Array;
  private readonly flags: Int32Array;
  private readonly transport: Int32Array;
  private readonly words: Record<"controls" | "flags" | "transport", WordReplay>;
  private readonly arena: { at: number; bytes: Uint8Array }[] = [];
  private events: Int32Array | null = null;
  private readonly sound = new Map<number, Uint8Array>();

  constructor(instance: PluginInstance) {
    const { controlsIn, transport, audio } = instance;
    this.instance = instance;
    this.controls = new Int32Array(controlsIn.buffer, controlsIn.byteOffset, controlsIn.length);
    this.flags = new Int32Array(audio.length);
    this.transport =
      transport === null
        ? new Int32Array(0)
        : new Int32Array(transport.buffer, transport.byteOffset, TRANSPORT_WORDS);
    this.words = {
      controls: new WordReplay(this.controls.length, false),
      flags: new WordReplay(this.flags.length, false),
      transport: new WordReplay(this.transport.length, true),
    };
  }

  setWords({ entry, words }: Kind<"controls" | "flags" | "transport">): void {
    if (!this.words[entry].take(words)) throw new Mismatch(`it sets ${entry} that the plugin has not`);
  }

  setEvents({ words }: Kind<"events">): void {
    if (words.length / EVENT_WORDS > this.instance.eventsIn.capacity) {
      throw new Mismatch("a block has more events than the plugin takes");
    }
    this.events = words;
  }

  setArena({ at, bytes }: Kind<"arena">): void {
    if (at + bytes.length > this.instance.arena.length) throw new Mismatch("the plugin's arena is smaller");
    if (this.arena.length >= this.instance.eventsIn.capacity) {
      throw new Mismatch("a block has more in the arena than events");
    }
    this.arena.push({ at, bytes });
  }

  setSound({ port, bytes }: Kind<"sound">, frames: number): void {
    const input = this.instance.audio[port];
    if (input?.input !== true) throw new Mismatch("it has sound for an input that the plugin has not");
    if (bytes.length !== input.channels * frames * 4)
      throw new Mismatch("its sound is not as long as a block");
    this.sound.set(port, bytes);
  }

  /** Before a call: what the host had written. @param block whether the call is process */
  apply(block: boolean): void {
    const { audio } = this.instance;
    const { flags, words } = this;
    words.controls.apply(this.controls, block);
    words.transport.apply(this.transport, block);
    for (let i = 0; i < audio.length; i++) flags[i] = (audio[i] as AudioPort).flags;
    words.flags.apply(flags, block);
    for (let i = 0; i < audio.length; i++) (audio[i] as AudioPort).flags = flags[i] as number;
  }

  /** Before a block of so many frames: that, and events and sound. */
  applyBlock(frames: number): void {
    const { instance, events } = this;
    this.apply(true);
    instance.eventsIn.clear();
    if (events !== null) {
      instance.eventsIn.words.set(events);
      instance.eventsIn.count = events.length / EVENT_WORDS;
      this.events = null;
    }
    for (const { at, bytes } of this.arena) instance.arena.set(bytes, at);
    this.arena.length = 0;
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
