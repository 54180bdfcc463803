// What is looked at in every block, whichever check plays it: buffers that were left unwritten or written out of turn,
// samples and events that the sandbox would mend.

import { isInput, type PluginDescriptor } from "../../abi/descriptor.ts";
import { AUDIO_OUTPUT_SILENT, EventType } from "../../abi/layout.ts";
import type { AudioPort, PluginInstance } from "../sandbox/index.ts";
import { short } from "./take.ts";

/** A NaN that no arithmetic of a plugin comes upon: in an output it means "not written". */
const SIGNATURE = 0x7fc0b311 | 0;
/** A finite number for what lies behind a block. */
const BEHIND = 0x3c0b3119 | 0;
/** Loops over vectors of four may write so far beyond a block. */
const VECTOR = 4;

const EXPONENT = 0x7f800000;

interface Watched {
  port: AudioPort;
  bits: Int32Array;
  /** What the host wrote, of inputs. */
  written: Int32Array;
}

/** Watches one activated instance. `notice` is told the id of the check that is hurt. */
export class Guards {
  private readonly watched: Watched[];
  private readonly instance: PluginInstance;
  private readonly descriptor: PluginDescriptor;
  private readonly notice: (check: string, sentence: string) => void;
  private readonly controls: Float32Array;
  private readonly controlBits: Int32Array;
  /** Note ids that came in and may go out. */
  readonly noteIds = new Set<number>([-1]);
  /** Types of events that came in: what a plugin does not know it may pass on. */
  readonly types = new Set<number>();
  /** Something as faint as a subnormal number came in, and may come out. */
  faint = false;
  private frames = 0;

  constructor(instance: PluginInstance, notice: (check: string, sentence: string) => void) {
    this.instance = instance;
    this.descriptor = instance.descriptor;
    this.notice = notice;
    this.watched = instance.audio.map((port) => ({
      port,
      bits: new Int32Array(port.samples.buffer, port.samples.byteOffset, port.samples.length),
      written: new Int32Array(port.input ? port.samples.length : 0),
    }));
    this.controls = instance.controlsIn.slice();
    const { controlsOut } = instance;
    this.controlBits = new Int32Array(controlsOut.buffer, controlsOut.byteOffset, controlsOut.length);
  }

  /** Goes on where the guards of the same instance were before. */
  remember(before: Guards | undefined): void {
    for (const id of before?.noteIds ?? []) this.noteIds.add(id);
    for (const type of before?.types ?? []) this.types.add(type);
    this.faint = before?.faint ?? false;
  }

  /** Before process, when inputs and controls are written. */
  before(frames: number): void {
    this.frames = frames;
    for (const { port, bits, written } of this.watched) {
      if (port.input) {
        written.set(bits);
        continue;
      }
      for (let c = 0; c < port.channels; c++) {
        const from = c * port.stride;
        bits.fill(SIGNATURE, from, from + frames);
        bits.fill(BEHIND, from + frames, from + this.instance.maxFrames);
      }
    }
    this.controls.set(this.instance.controlsIn);
    this.controlBits.fill(SIGNATURE);
  }

  /** Between process and the sandbox's own look at the outputs. */
  look(frames: number, events: number): void {
    for (const { port, bits } of this.watched) {
      if (!port.input) this.lookAtOutput(port, bits, frames);
    }
    this.lookAtControls();
    if (events > 0) this.lookAtEvents(frames, events);
  }

  private lookAtOutput(port: AudioPort, bits: Int32Array, frames: number): void {
    let unwritten = 0;
    let subnormal = 0;
    for (let c = 0; c < port.channels; c++) {
      const from = c * port.stride;
      for (let i = from; i < from + frames; i++) {
        const word = bits[i] as number;
        if (word === SIGNATURE) {
          unwritten++;
          bits[i] = 0;
        } else if ((word & EXPONENT) === 0 && (word & 0x007fffff) !== 0) {
          subnormal++;
        } else if ((word & EXPONENT) === EXPONENT) {
          this.notice(
            "processing/finite",
            `"${port.id}" holds ${Number.isNaN(port.samples[i]) ? "NaN" : "an infinity"} at frame ${i - from} of a block.`,
          );
        }
      }
    }
    if (unwritten > 0) {
      const all = unwritten === frames * port.channels ? "all" : String(unwritten);
      this.notice(
        "processing/output-written",
        `"${port.id}": ${all} of ${frames * port.channels} samples of a block were not written.`,
      );
    }
    if (subnormal > 0 && !this.faint) {
      this.notice(
        "processing/subnormal-output",
        `"${port.id}" holds ${subnormal} subnormal samples in a block of ${frames} frames.`,
      );
    }
  }

  private lookAtEvents(frames: number, count: number): void {
    const { eventsOut } = this.instance;
    let last = 0;
    for (let i = 0; i < count; i++) {
      const frame = eventsOut.frame(i);
      if (frame >= frames) {
        this.notice(
          "events/order-out",
          `An outgoing event stands at frame ${frame} of a block of ${frames} frames.`,
        );
      } else if (frame < last) {
        this.notice("events/order-out", `An outgoing event of frame ${frame} follows one of frame ${last}.`);
      }
      last = Math.max(last, frame);
      const problem = this.eventProblem(i);
      if (problem !== null) this.notice("events/legal-out", problem);
      const id = eventsOut.noteId(i);
      const type = eventsOut.type(i);
      if (type >= EventType.NoteOn && type <= EventType.Expression && !this.noteIds.has(id)) {
        this.notice("events/note-ids-out", `An outgoing event has the note id ${id}, which never came in.`);
      }
    }
  }

  private eventProblem(i: number): string | null {
    const { eventsOut } = this.instance;
    const type = eventsOut.type(i);
    const port = this.descriptor.ports[eventsOut.port(i)];
    if (port?.type !== "event" || isInput(port)) {
      return `An outgoing event names port ${eventsOut.port(i)}, which is no event output.`;
    }
    if (type === EventType.Param || type === EventType.Transport) {
      return `${EventType[type]} events are for plugins, not from them.`;
    }
    if (type < EventType.NoteOn || type > EventType.Transport) {
      if (this.types.has(type)) return null;
      return `An outgoing event has the unknown type ${type}.`;
    }
    if (type >= EventType.Midi1) return null;
    const value = eventsOut.value(i);
    if (!Number.isFinite(value)) return `An outgoing ${EventType[type]} has the value ${value}.`;
    const [channel, key] = [eventsOut.channel(i), eventsOut.key(i)];
    if (channel < -1 || channel > 15) return `An outgoing ${EventType[type]} has the channel ${channel}.`;
    if (key < -1 || key > 127) return `An outgoing ${EventType[type]} has the key ${key}.`;
    const [least, most] =
      type === EventType.Bend
        ? [-1, 1]
        : type === EventType.Program
          ? [0, 127]
          : type === EventType.Expression
            ? [-120, 120]
            : [0, 1];
    if (value < least || value > most) {
      return `An outgoing ${EventType[type]} has the value ${short(value)}; it goes from ${least} to ${most}.`;
    }
    return null;
  }

  /** After a block that went well. */
  after(): void {
    const { frames } = this;
    for (const { port, bits, written } of this.watched) {
      if (port.input) {
        const at = firstChange(bits, written);
        if (at >= 0) {
          this.notice(
            "processing/input-untouched",
            `The input "${port.id}" was written to, at frame ${at % port.stride} of a block of ${frames}.`,
          );
        }
        continue;
      }
      const silent = (port.flags & AUDIO_OUTPUT_SILENT) !== 0;
      if (silent && port.peak > 0) {
        this.notice(
          "processing/silence-flag",
          `"${port.id}" is flagged as silent in a block that is ${short(port.peak)} loud.`,
        );
      }
      const reach = Math.min(Math.ceil(frames / VECTOR) * VECTOR, this.instance.maxFrames);
      for (let c = 0; c < port.channels; c++) {
        const from = c * port.stride;
        const most = this.instance.maxFrames;
        const at = firstOther(bits, from + reach, from + most, BEHIND) - from;
        if (at < most) {
          this.notice(
            "processing/within-block",
            `"${port.id}" was written at frame ${at}, in a block of ${frames} frames.`,
          );
        }
      }
    }
    const { controlsIn } = this.instance;
    const changed = controlsIn.findIndex((value, i) => !Object.is(value, this.controls[i]));
    if (changed >= 0) {
      this.notice(
        "parameters/untouched",
        `Control input ${changed} was changed from ${short(this.controls[changed] as number)} to ${short(controlsIn[changed] as number)} by the plugin.`,
      );
    }
  }

  private lookAtControls(): void {
    const values = this.instance.controlsOut;
    if (values.length === 0) return;
    const ports = this.descriptor.ports.filter((port) => port.type === "control" && !isInput(port));
    values.forEach((value, k) => {
      const port = ports[k];
      if (port === undefined) return;
      if (this.controlBits[k] === SIGNATURE) {
        this.notice(
          "processing/control-outputs",
          `The control output "${port.id}" was not written in a block.`,
        );
        values[k] = 0;
      } else if (!(value >= Math.fround(port.min) && value <= Math.fround(port.max))) {
        this.notice(
          "processing/control-outputs",
          `The control output "${port.id}" is ${short(value)}; it goes from ${short(port.min)} to ${short(port.max)}.`,
        );
      }
    });
  }
}

function firstChange(now: Int32Array, before: Int32Array): number {
  // one comparison of memory for nearly every block
  if (Buffer.compare(bytesOf(now), bytesOf(before)) === 0) return -1;
  return now.findIndex((word, i) => word !== before[i]);
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Where in a range something else stands; its end if nowhere. */
function firstOther(bits: Int32Array, from: number, to: number, word: number): number {
  for (let i = from; i < to; i++) if (bits[i] !== word) return i;
  return to;
}
