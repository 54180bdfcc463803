// A plugin as it is measured: called as an engine's block loop calls it, with nothing else around.

import { isInput, type PluginDescriptor } from "../../abi/descriptor.ts";
import { printable } from "../../abi/error.ts";
import { AUDIO_CONNECTED } from "../../abi/layout.ts";
import { type MidiFile, scheduleMidi } from "../engine/midi-file.ts";
import { PluginFeed } from "../engine/plugin-feed.ts";
import { Processor, type Setup } from "../engine/processor.ts";
import { TransportClock } from "../engine/transport.ts";
import type { WavAudio } from "../player/wav-reader.ts";
import type { AudioPort, PluginInstance, PluginType } from "../sandbox/index.ts";
import { copyAround, copyOnce, heldNotes, noise } from "./piece.ts";
import type { Configuration, Idles, Player, Subject } from "./player.ts";

/** What the piece is, where it is not noise and held notes. */
export interface PluginPiece {
  setup: Setup;
  /** Sound for every audio input. */
  sound: WavAudio | null;
  midi: MidiFile | null;
  /** Its length. */
  seconds: number;
}

/** Blocks between two chances for a plugin to do work that waits; in a graph, nodes take turns at it. */
export const IDLE_BLOCKS = 16;
const BPM = 120;

export function takesNotes({ ports }: PluginDescriptor): boolean {
  return ports.some((port) => port.type === "event" && isInput(port));
}

export class PluginSubject implements Subject {
  readonly type: PluginType;
  private readonly piece: PluginPiece;
  private readonly noises: Float32Array[] = [];

  constructor(type: PluginType, piece: PluginPiece) {
    this.type = type;
    this.piece = piece;
  }

  async player(configuration: Configuration): Promise<Player> {
    return this.start(configuration);
  }

  /** A fresh instance. Throws BelljarError plugin/… where the plugin refuses its setup. */
  start({ rate, block, voices }: Configuration): PluginPlayer {
    const { setup, midi, sound, seconds } = this.piece;
    const processor = new Processor(this.type.instantiate(), { ...setup, rate, maxFrames: block });
    const notes =
      midi !== null
        ? scheduleMidi(midi, { rate })
        : voices === null || !takesNotes(processor.descriptor)
          ? null
          : heldNotes(voices, rate, Math.ceil(seconds * rate));
    const feed = new PluginFeed(processor, new TransportClock(rate, BPM, midi), notes, []);
    const sources: Source[] = [];
    for (const port of processor.instance.audio) {
      for (let c = 0; port.input && c < port.channels; c++) {
        const to = port.channel(c);
        if (sound === null) sources.push({ from: this.noise(sources.length), to, copy: copyAround });
        else {
          const from = sound.samples[Math.min(c, sound.channels - 1)] ?? new Float32Array(0);
          sources.push({ from, to, copy: copyOnce });
        }
      }
    }
    return new PluginPlayer(processor.instance, feed, sources);
  }

  private noise(index: number): Float32Array {
    this.noises[index] ??= noise(index);
    return this.noises[index];
  }
}

interface Source {
  from: Float32Array;
  to: Float32Array;
  copy: typeof copyAround;
}

export class PluginPlayer implements Player {
  readonly instance: PluginInstance;
  readonly outputs: readonly Float32Array[];
  units = 0;
  readonly idles: Idles = { calls: 0, units: 0, mostUnits: 0, longest: 0 };
  private readonly feed: PluginFeed;
  private readonly sources: readonly Source[];
  private readonly ports: readonly AudioPort[];
  private frame = 0;
  private size = 0;
  private block = 0;

  constructor(instance: PluginInstance, feed: PluginFeed, sources: readonly Source[]) {
    this.instance = instance;
    this.feed = feed;
    this.sources = sources;
    this.ports = instance.audio;
    this.outputs = instance.audio.flatMap((port) =>
      port.input ? [] : Array.from({ length: port.channels }, (_, c) => port.channel(c)),
    );
  }

  get lostEvents(): number {
    return this.feed.lost;
  }

  get stopped(): string {
    return this.instance.fault?.message ?? "The plugin was stopped.";
  }

  prepare(): void {
    const { sources, ports, frame } = this;
    this.size = this.feed.fill(frame);
    for (let i = 0; i < sources.length; i++) {
      const { from, to, copy } = sources[i] as Source;
      copy(from, frame, to, this.size);
    }
    for (let i = 0; i < ports.length; i++) (ports[i] as AudioPort).flags = AUDIO_CONNECTED;
    this.frame = frame + this.size;
  }

  process(): boolean {
    return this.instance.process(this.size);
  }

  rest(): void {
    const { instance, idles } = this;
    this.units = instance.units;
    this.block++;
    if (this.block % IDLE_BLOCKS !== 0) return;
    const began = performance.now();
    instance.idle();
    const time = (performance.now() - began) * 1000;
    idles.calls++;
    idles.units += instance.units;
    idles.mostUnits = Math.max(idles.mostUnits, instance.units);
    idles.longest = Math.max(idles.longest, time);
    instance.drainMessages(() => {});
  }
}

/** "Sine (builtin.sine, version 1)", safe to print. */
export function describePlugin({ id, display_name, version }: PluginDescriptor): string {
  const name = display_name === "" ? "" : `${printable(display_name, 60)} `;
  return `${name}(${printable(id, 60)}, version ${version})`;
}
