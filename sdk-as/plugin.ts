// The class that a plugin extends.

import { EVENT_VALUE, EventType, ProcessState } from "../abi/layout";
import { Config } from "./config";
import { declared } from "./declaration";
import { Event } from "./event";
import { HostEvent } from "./host-event";
import { log } from "./host";
import { Info } from "./info";
import { Param } from "./param";
import { AudioPort, ControlOut, EventPort, GraphPort, Port } from "./port";
import { StateReader, StateWriter } from "./state";
import { Transport } from "./transport";

/**
 * A plugin. Extend it, declare ports and parameters in field initialisers, write `process`, export the class as
 * the file's default: `belljar build` does the rest.
 *
 * `process` and the event handlers are called between events: the host's block is cut where notes and parameters
 * change, so a plugin never looks at time stamps. In [audio] methods allocate nothing: no `new`, no string
 * is built, no array grows. Make buffers in `activate`. The build names the path when it sees one.
 */
export class Plugin {
  /** Frames a second. Known from activate on. */
  sampleRate: f64 = 48000;
  /** Most frames of one block. Known from activate on. */
  maxFrames: i32 = 0;
  /** Frames by which the sound comes out late. activate may set it. */
  latencyFrames: i32 = 0;
  /** Seconds of sound after the last input; -1: never ends. activate may set it. */
  tailSeconds: f64 = 0;
  /** What the host may do while nothing comes in; process may set it. Continue: it is always called. [audio] */
  processState: ProcessState = ProcessState.Continue;

  // ---- to declare: field initialisers --------------------------------------------------------------------

  /** Who the plugin is. @param id "vendor.name" [control] */
  protected plugin(id: string, displayName: string): Info {
    const info = new Info(id, displayName);
    declared.info = info;
    return info;
  }

  /** A stereo input. @param name for people; made from the id if not said [control] */
  protected stereoIn(id: string, name: string = ""): AudioPort {
    return declared.audio(id, name, "input", 2);
  }

  /** A stereo output. [control] */
  protected stereoOut(id: string, name: string = ""): AudioPort {
    return declared.audio(id, name, "output", 2);
  }

  /** A second stereo input, such as a compressor's key. [control] */
  protected stereoSidechain(id: string, name: string = ""): AudioPort {
    return declared.audio(id, name, "sidechain", 2);
  }

  /** A mono input. [control] */
  protected monoIn(id: string, name: string = ""): AudioPort {
    return declared.audio(id, name, "input", 1);
  }

  /** A mono output. [control] */
  protected monoOut(id: string, name: string = ""): AudioPort {
    return declared.audio(id, name, "output", 1);
  }

  /** A second mono input. [control] */
  protected monoSidechain(id: string, name: string = ""): AudioPort {
    return declared.audio(id, name, "sidechain", 1);
  }

  /** Events in; they arrive by noteOn, noteOff and the other handlers. [control] */
  protected eventsIn(id: string, name: string = ""): EventPort {
    return declared.events(id, name, "input");
  }

  /** Events out: `this.notes.noteOn(frame, …)`. [control] */
  protected eventsOut(id: string, name: string = ""): EventPort {
    return declared.events(id, name, "output");
  }

  /** A parameter: a control input, 0 to 1 until told otherwise. [control] */
  protected param(id: string, name: string = ""): Param {
    const port = new Param(id, name, "input");
    declared.add(port);
    return port;
  }

  /** A parameter meant to be wired: a control sidechain. [control] */
  protected sidechainParam(id: string, name: string = ""): Param {
    const port = new Param(id, name, "sidechain");
    declared.add(port);
    return port;
  }

  /** A control value that the plugin makes, to be wired on. [control] */
  protected controlOut(id: string, name: string = ""): ControlOut {
    const port = new ControlOut(id, name, "output");
    declared.add(port);
    return port;
  }

  /** A value that is shown and not wired: a meter. [control] */
  protected monitor(id: string, name: string = ""): ControlOut {
    const port = new ControlOut(id, name, "monitor");
    declared.add(port);
    return port;
  }

  /** A control edited as a picture. @param graphType "eq_curve", "adsr_envelope", "breakpoint", … [control] */
  protected graph(id: string, name: string, graphType: string): GraphPort {
    const port = new GraphPort(id, name, graphType);
    declared.add(port);
    return port;
  }

  /** A value given before activation; a string until told otherwise. [control] */
  protected config(id: string, name: string = ""): Config {
    const config = new Config(id, name);
    declared.configs.push(config);
    return config;
  }

  /** The host's clock of beats. [control] */
  protected useTransport(): Transport {
    const known = declared.transport;
    const transport = known === null ? new Transport() : known;
    declared.transport = transport;
    return transport;
  }

  /** Takes a port away again; with the methods above, `configure` may so change how many there are. [control] */
  protected removePort(port: Port): void {
    declared.remove(port);
  }

  // ---- to say --------------------------------------------------------------------------------------------

  /** Refuses what was asked (a configuration, a state, an activation), in one sentence for the user. [control] */
  protected fail(sentence: string): void {
    declared.failure = sentence;
  }

  /** Writes one line to the host's log. @param level one of LogLevel [any] */
  protected log(text: string, level: i32 = 2): void {
    log(text, level);
  }

  // ---- to override: lifecycle ----------------------------------------------------------------------------

  /** Make buffers and tables here. @param rate frames a second @param maxFrames most frames of a block [control] */
  activate(rate: f64, maxFrames: i32): void {}

  /** Sound has ended; activate may follow. [control] */
  deactivate(): void {}

  /** Forget all sound: a jump, a new take. Parameters stay. [audio] */
  reset(): void {}

  /** Renders `frames` frames (at least 1): read inputs, write every output. [audio] */
  process(frames: i32): void {}

  // ---- to override: events, each at the first frame of the coming sub-block --------------------------------

  /** @param channel 0 to 15 @param key 0 to 127, 60 is middle C @param velocity 0 to 1 @param noteId or -1 [audio] */
  noteOn(channel: i32, key: i32, velocity: f32, noteId: i32): void {}

  /** @param channel or -1: any @param key or -1: any @param noteId or -1: any [audio] */
  noteOff(channel: i32, key: i32, velocity: f32, noteId: i32): void {}

  /** End the note at once, without its release. If not overridden, a noteOff. [audio] */
  choke(channel: i32, key: i32, noteId: i32): void {
    this.noteOff(channel, key, 0, noteId);
  }

  /** Note expression. @param kind one of Expression, which says the value's unit [audio] */
  expression(channel: i32, key: i32, noteId: i32, kind: i32, value: f64): void {}

  /** Aftertouch, 0 to 1. @param key -1: the whole channel's [audio] */
  pressure(channel: i32, key: i32, value: f32, noteId: i32): void {}

  /** @param channel -1: all of them [audio] */
  allNotesOff(channel: i32): void {}

  /** @param value -1 to 1 of the bend range (2 semitones by custom) [audio] */
  pitchBend(channel: i32, value: f32): void {}

  /** @param bank 0 to 16383 @param program 0 to 127 [audio] */
  programChange(channel: i32, bank: i32, program: i32): void {}

  /** @param controller 0 to 127 @param value 0 to 1 [audio] */
  controlChange(channel: i32, controller: i32, value: f32): void {}

  /**
   * Every event but parameters and transport. Override it to see the raw event (its port, to forward it);
   * `super.onEvent(event)` hands it to the handlers above. [audio]
   */
  onEvent(event: Event): void {
    const channel: i32 = event.channel;
    const key: i32 = event.key;
    switch (<i32>event.type) {
      case EventType.NoteOn:
        this.noteOn(channel, key, <f32>event.value, event.noteId);
        break;
      case EventType.NoteOff:
        this.noteOff(channel, key, <f32>event.value, event.noteId);
        break;
      case EventType.Choke:
        this.choke(channel, key, event.noteId);
        break;
      case EventType.Expression:
        this.expression(channel, key, event.noteId, event.id, event.value);
        break;
      case EventType.Pressure:
        this.pressure(channel, key, <f32>event.value, event.noteId);
        break;
      case EventType.AllNotesOff:
        this.allNotesOff(channel);
        break;
      case EventType.Bend:
        this.pitchBend(channel, <f32>event.value);
        break;
      case EventType.Program:
        this.programChange(channel, event.id, <i32>event.value);
        break;
      case EventType.ControlChange:
        this.controlChange(channel, event.id, <f32>event.value);
        break;
      case EventType.Midi1:
        deliverMidi(this, midiByte(event, 0), midiByte(event, 1), midiByte(event, 2));
        break;
      default:
        break;
    }
  }

  // ---- to override: between blocks -------------------------------------------------------------------------

  /** A message from the host, or from another program through it. Called in idle, not in process. [audio] */
  onHostEvent(event: HostEvent): void {}

  /** Between blocks, now and then: work that must not delay the sound. [audio] */
  idle(): void {}

  /** A config parameter was given; its `value` is already set and fits its type. @param id its id [control] */
  configure(id: string, value: string): void {}

  /** A file was chosen (`config.file`), or none (null). Read it here. [control] */
  configureFile(config: Config): void {}

  /** The graph's data as JSON text. @param id the port's id [control] */
  getGraphData(id: string): string {
    return "{}";
  }

  /** The user changed the graph. @param id the port's id [control] */
  setGraphData(id: string, json: string): void {}

  /** Writes what parameters, config and graph data don't hold. [control] */
  saveState(state: StateWriter): void {}

  /** Reads what saveState wrote, in the same order. `state.version` is the version that wrote it. [control] */
  loadState(state: StateReader): void {}
}

/** Three bytes of MIDI 1.0, from hosts that send them raw, handed to the handlers. [audio] */
function deliverMidi(plugin: Plugin, status: i32, first: i32, second: i32): void {
  const channel = status & 15;
  switch (status >> 4) {
    case 8:
      plugin.noteOff(channel, first, <f32>second / 127, -1);
      break;
    case 9:
      if (second == 0) plugin.noteOff(channel, first, 0, -1);
      else plugin.noteOn(channel, first, <f32>second / 127, -1);
      break;
    case 10:
      plugin.pressure(channel, first, <f32>second / 127, -1);
      break;
    case 11:
      if (first == 123) plugin.allNotesOff(channel);
      else plugin.controlChange(channel, first, <f32>second / 127);
      break;
    case 12:
      plugin.programChange(channel, 0, first);
      break;
    case 13:
      plugin.pressure(channel, -1, <f32>first / 127, -1);
      break;
    case 14:
      plugin.pitchBend(channel, <f32>((second << 7) | first) / 8192 - 1);
      break;
    default:
      break;
  }
}

function midiByte(event: Event, i: usize): i32 {
  return load<u8>(changetype<usize>(event) + i, EVENT_VALUE);
}
