// Sound from outputs to inputs: conversion between mono and stereo, addition in wire order.

import { AUDIO_CONNECTED, AUDIO_INPUT_SILENT } from "../../abi/layout.ts";
import type { DelayLine, FadingSlot } from "./held-sound.ts";
import { type Mixer, Slot } from "./mixer.ts";
import { channelStride, type NodeAudioPort } from "./node.ts";
import type { ChannelChoice } from "./wiring.ts";

/** Moves blocks between a node's port and a slot: one `set` where they are laid out alike. */
export class PortCopy {
  private readonly whole: boolean;
  private readonly frames: number;
  private readonly stride: number;
  private readonly port: Float32Array;
  private readonly channels: Float32Array[] = [];

  constructor(port: NodeAudioPort, frames: number) {
    this.frames = frames;
    this.stride = port.stride;
    this.whole = port.channels === 1 || port.stride === channelStride(frames);
    const length = (port.channels - 1) * port.stride + frames;
    this.port = port.samples.length === length ? port.samples : port.samples.subarray(0, length);
    for (let c = 0; c < port.channels; c++) {
      this.channels.push(port.samples.subarray(c * port.stride, c * port.stride + frames));
    }
  }

  fromSlot(slot: Slot): void {
    if (this.whole) {
      this.port.set(slot.view);
      return;
    }
    const views = slot.channelViews;
    for (let c = 0; c < this.channels.length; c++) {
      (this.channels[c] as Float32Array).set(views[c] as Float32Array);
    }
  }

  toSlot(slot: Slot): void {
    if (this.whole) {
      const { view } = slot;
      view.set(this.port);
      // What lies between two channels is nobody's sound, and must not travel.
      for (let c = 1; c < this.channels.length; c++) {
        for (let i = (c - 1) * this.stride + this.frames; i < c * this.stride; i++) view[i] = 0;
      }
      return;
    }
    const views = slot.channelViews;
    for (let c = 0; c < this.channels.length; c++) {
      (views[c] as Float32Array).set(this.channels[c] as Float32Array);
    }
  }

  zero(): void {
    for (let c = 0; c < this.channels.length; c++) (this.channels[c] as Float32Array).fill(0);
  }
}

enum Conversion {
  Same = 0,
  Spread = 1,
  Fold = 2,
  Pick = 3,
}

class AudioWire {
  source: Slot;
  readonly conversion: Conversion;
  /** Address of the channel that is spread or picked. */
  channel: number;
  readonly line: DelayLine | null;
  private fading: FadingSlot | null;
  private readonly pick: number;

  constructor(
    source: Slot,
    line: DelayLine | null,
    fading: FadingSlot | null,
    channels: number,
    choice: ChannelChoice,
  ) {
    this.source = source;
    this.line = line;
    this.fading = fading;
    this.pick = choice === "right" && source.channels > 1 ? 1 : 0;
    this.channel = source.channelAddress(this.pick);
    this.conversion =
      source.channels === channels
        ? Conversion.Same
        : source.channels < channels
          ? Conversion.Spread
          : choice === "sum"
            ? Conversion.Fold
            : Conversion.Pick;
  }

  /** Once a block, before `source` is read. */
  run(): void {
    const { line, fading } = this;
    if (line !== null) line.run();
    if (fading === null) return;
    if (!fading.isIn) {
      fading.run();
      return;
    }
    this.fading = null;
    this.source = fading.input;
    this.channel = fading.input.channelAddress(this.pick);
  }
}

/** One audio input of one node: the sum of its wires. */
export class AudioInput {
  /** Where several wires, or a converted one, are added up. */
  readonly sum: Slot;
  private readonly mixer: Mixer;
  private readonly wires: AudioWire[] = [];
  private port: NodeAudioPort;
  private copy: PortCopy | null = null;
  /** Where this block's sound was found; null: every wire is silent. */
  private found: Slot | null = null;

  /** @param port of the node; its channels count */
  constructor(mixer: Mixer, port: NodeAudioPort, frames: number) {
    this.mixer = mixer;
    this.port = port;
    this.sum = new Slot(mixer, port.channels, frames);
  }

  /** @param source the output's slot, or what holds it back, or fades it. */
  connect(
    source: Slot,
    line: DelayLine | null,
    choice: ChannelChoice,
    fading: FadingSlot | null = null,
  ): void {
    this.wires.push(new AudioWire(source, line, fading, this.port.channels, choice));
  }

  /** After the mixer's commit. */
  bind(): void {
    this.copy = new PortCopy(this.port, this.sum.frames);
  }

  /** From here on sound goes to another node's port, which is laid out for as many channels. */
  rebind(port: NodeAudioPort, copy: PortCopy): void {
    this.port = port;
    this.copy = copy;
  }

  /** Adds up and copies into the node's memory. True: there is sound. */
  deliver(): boolean {
    const slot = this.gather();
    const copy = this.copy as PortCopy;
    const connected = this.wires.length > 0 ? AUDIO_CONNECTED : 0;
    if (slot === null) {
      copy.zero();
      this.port.flags = connected | AUDIO_INPUT_SILENT;
      return false;
    }
    copy.fromSlot(slot);
    this.port.flags = connected;
    return true;
  }

  /** Adds up into `sum`, always. */
  collect(): Slot {
    this.gather();
    return this.settle();
  }

  /** What `deliver` or `gather` found in this block, in `sum`. */
  settle(): Slot {
    const { sum, found } = this;
    if (found === null) sum.silence();
    else if (found !== sum) {
      this.mixer.run.copy(sum.address, found.address, found.size);
      sum.silent = false;
    }
    return sum;
  }

  /** Once a block: the slot that holds the input's sound, or null where every wire is silent. */
  gather(): Slot | null {
    this.found = this.addUp();
    return this.found;
  }

  /** Instead of `gather`, while nobody listens: what is under way goes on. */
  pass(): void {
    for (let i = 0; i < this.wires.length; i++) (this.wires[i] as AudioWire).line?.run();
  }

  private addUp(): Slot | null {
    const wires = this.wires;
    let first = -1;
    let sounding = 0;
    for (let i = 0; i < wires.length; i++) {
      const wire = wires[i] as AudioWire;
      wire.run();
      if (wire.source.silent) continue;
      if (first < 0) first = i;
      sounding++;
    }
    if (first < 0) return null;
    const start = wires[first] as AudioWire;
    if (sounding === 1 && start.conversion === Conversion.Same) return start.source;
    this.put(start);
    for (let i = first + 1; i < wires.length; i++) {
      const wire = wires[i] as AudioWire;
      if (!wire.source.silent) this.add(wire);
    }
    this.sum.silent = false;
    return this.sum;
  }

  private put(wire: AudioWire): void {
    const { run } = this.mixer;
    const { sum } = this;
    switch (wire.conversion) {
      case Conversion.Same:
        run.copy(sum.address, wire.source.address, sum.size);
        break;
      case Conversion.Fold:
        run.fold(sum.address, wire.source.channelAddress(0), wire.source.channelAddress(1), sum.frames);
        break;
      default:
        for (let c = 0; c < sum.channels; c++) run.copy(sum.channelAddress(c), wire.channel, sum.frames);
    }
  }

  private add(wire: AudioWire): void {
    const { run } = this.mixer;
    const { sum } = this;
    switch (wire.conversion) {
      case Conversion.Same:
        run.add(sum.address, wire.source.address, sum.size);
        break;
      case Conversion.Fold:
        run.addFold(sum.address, wire.source.channelAddress(0), wire.source.channelAddress(1), sum.frames);
        break;
      default:
        for (let c = 0; c < sum.channels; c++) run.add(sum.channelAddress(c), wire.channel, sum.frames);
    }
  }
}

/** One audio output of one node: copied out of the node's memory, measured, limited. */
export class AudioOutput {
  readonly slot: Slot;
  private port: NodeAudioPort;
  private copy: PortCopy | null = null;
  /** Samples of the last block that the limit held. */
  limited = 0;
  /** Whether a wire begins here. */
  connected = false;

  /** Its peak. An array, since a number that is no integer would be a new object each time. */
  readonly level = new Float64Array(1);

  constructor(mixer: Mixer, port: NodeAudioPort, frames: number) {
    this.port = port;
    this.slot = new Slot(mixer, port.channels, frames);
  }

  /** Largest magnitude of the last block, before the limit. */
  get peak(): number {
    return this.level[0] as number;
  }

  /** After the mixer's commit. */
  bind(): void {
    this.copy = new PortCopy(this.port, this.slot.frames);
    // Made here, so that no block makes them.
    this.slot.channelViews;
  }

  /** From here on sound comes from another node's port, which is laid out for as many channels. */
  rebind(port: NodeAudioPort, copy: PortCopy): void {
    this.port = port;
    this.copy = copy;
  }

  /** Before process: also takes back what the plugin said of its last block. */
  announce(): void {
    this.port.flags = this.connected ? AUDIO_CONNECTED : 0;
  }

  /** After process. */
  take(limit: number): void {
    const { port, slot, level } = this;
    this.limited = 0;
    level[0] = port.peak;
    if (level[0] === 0) {
      this.silence();
      return;
    }
    (this.copy as PortCopy).toSlot(slot);
    slot.silent = false;
    if ((level[0] as number) < 0) {
      slot.measure();
      level[0] = slot.level[0] as number;
    }
    if (level[0] === 0) this.silence();
    else if ((level[0] as number) > limit) this.limited = slot.clamp(limit);
  }

  silence(): void {
    this.level[0] = 0;
    this.limited = 0;
    this.slot.silence();
  }

  /** Instead of the node's own: a sound of as many channels. */
  pass(dry: Slot, limit: number): void {
    if (dry.silent) {
      this.silence();
      return;
    }
    const { slot } = this;
    slot.view.set(dry.view);
    slot.silent = false;
    this.measure(limit);
  }

  /**
   * From the dry sound (null: silence) to the node's own, in a straight line, after `take`.
   * @param at frames since the fade began, below 0 before it does @param length frames of it
   */
  fade(dry: Slot | null, at: number, length: number, limit: number): void {
    const { slot } = this;
    const quiet = dry === null || dry.silent;
    if (slot.silent && quiet) return;
    if (quiet && at + slot.frames <= 0) {
      this.silence();
      return;
    }
    for (let c = 0; c < slot.channels; c++) {
      const own = slot.channelViews[c] as Float32Array;
      const other = quiet ? own : ((dry as Slot).channelViews[c] as Float32Array);
      for (let i = 0; i < own.length; i++) {
        const place = at + i;
        if (place >= length) break;
        const part = place <= 0 ? 0 : place / length;
        const kept = quiet ? 0 : (other[i] as number) * (1 - part);
        own[i] = (own[i] as number) * part + kept;
      }
    }
    slot.silent = false;
    const held = this.limited;
    this.measure(limit);
    this.limited += held;
  }

  private measure(limit: number): void {
    const { slot, level } = this;
    slot.measure();
    level[0] = slot.level[0] as number;
    this.limited = 0;
    if (level[0] === 0) this.silence();
    else if ((level[0] as number) > limit) this.limited = slot.clamp(limit);
  }
}
