// A session that is played live: starts its threads, steers them through shared words and queues, and watches over the
// audio thread. Nothing here is on the way of the sound: it goes on while this thread is busy.

import { BelljarError, printable } from "../../../abi/error.ts";
import { steadyClock } from "../../../shm/clock.ts";
import type { Priority } from "../../../shm/thread.ts";
import type { InputFile } from "../prepare.ts";
import type { Json } from "../json.ts";
import type { OnFault, RecoveryLimits } from "../recovery.ts";
import type { Session } from "../session.ts";
import { PARAMETER_RECORDS, type SinkParcel } from "./audio-messages.ts";
import type { ControlPlace, ReadySession, SessionFacts } from "./control-thread.ts";
import { frameAt } from "./frame-clock.ts";
import { type Lateness, latenessOf } from "./lateness.ts";
import { EVENT_RECORDS } from "./live-events.ts";
import { type LiveFigures, type LiveMeter, readFigures, readMeters } from "./live-figures.ts";
import { checkFinite, checkInput, checkWholeOf, type LiveInput } from "./live-input.ts";
import { checkPatience, type LivePatience, LiveThreads, type ThreadsEvent } from "./live-threads.ts";
import { type MidiConnection, MidiConnections, type MidiConnectionEvent } from "./midi-connections.ts";
import { RecordQueue } from "./queue.ts";
import { Figure, LiveWords, MOST_LIVE_NODES, placeWord, Word } from "./words.ts";

export type { LiveFigures, LiveMeter } from "./live-figures.ts";
export type { LiveInput } from "./live-input.ts";
export { DEFAULT_PATIENCE, type LivePatience } from "./live-threads.ts";
export type { LiveEvent, SessionFacts } from "./control-thread.ts";
export type { Lateness } from "./lateness.ts";

export interface LiveOptions {
  /** Where the session's files lie; null: it can name none. */
  folder: string | null;
  midi?: ReadonlyMap<string, InputFile> | undefined;
  audio?: ReadonlyMap<string, InputFile> | undefined;
  rate?: number | undefined;
  block?: number | undefined;
  /** Share of a block's time that one plugin may take before it is stopped in that block. Default: 0.8. */
  deadline?: number | undefined;
  onFault?: OnFault | undefined;
  recovery?: Partial<RecoveryLimits> | undefined;
  /** How long is waited for what plugins may make long, where other times are wanted than DEFAULT_PATIENCE. */
  patience?: Partial<LivePatience> | undefined;
  /** No clock has a say: blocks follow each other as the sink takes them, and without a sink as fast as they can be rendered. */
  free?: boolean | undefined;
  onEvent?: ((event: LiveSessionEvent) => void) | undefined;
}

export type LiveSessionEvent =
  | ThreadsEvent
  /** A MIDI device went away, with its notes; or came back. */
  | MidiConnectionEvent;

const DEFAULT_DEADLINE = 0.8;

export class LiveSession {
  private readonly words = new LiveWords(MOST_LIVE_NODES);
  private readonly parameters = new RecordQueue(PARAMETER_RECORDS);
  private readonly events = new RecordQueue(EVENT_RECORDS);
  /** What MIDI devices play: their thread's queue. */
  private readonly deviceEvents = new RecordQueue(EVENT_RECORDS);
  private readonly midi: MidiConnections;
  private readonly clock = steadyClock();
  private readonly threads: LiveThreads;
  private session: Session;
  /** Changes and edits, one after the other. */
  private turn: Promise<void> = Promise.resolve();

  private constructor(session: Session, options: LiveOptions) {
    const { deadline = DEFAULT_DEADLINE, free = false, patience, onEvent, ...more } = options;
    const tell = (event: LiveSessionEvent): void => onEvent?.(event);
    this.session = session;
    this.midi = new MidiConnections(this.words.buffer, this.deviceEvents.buffer, tell);
    const audio = {
      words: this.words.buffer,
      parameters: this.parameters.buffer,
      events: {
        host: this.events.buffer,
        devices: this.deviceEvents.buffer,
        routes: this.midi.routes.buffer,
      },
      free,
    };
    const all = { ...more, deadline, patience: checkPatience(patience ?? {}) };
    this.threads = new LiveThreads(all, this.words, audio, tell);
  }

  /**
   * Loads and sets up a session's plugins; nothing sounds before `start`.
   * @throws BelljarError what prepareSession throws; live/thread where it takes longer than `patience` allows
   */
  static async open(session: Session, options: LiveOptions): Promise<LiveSession> {
    const live = new LiveSession(session, options);
    await live.threads.prepare(session, true);
    return live;
  }

  /** What the system gave the audio thread. */
  get priority(): Priority {
    return this.threads.priority;
  }
  /** Whether subnormals are zero in it; where not, sound that fades away may cost more. */
  get subnormalsAreZero(): boolean {
    return this.threads.subnormalsAreZero;
  }

  private get ready(): ReadySession {
    return this.threads.ready;
  }

  get facts(): SessionFacts {
    return this.ready.facts;
  }

  /** Begins to play. @param sink where to; null: to nobody, in time */
  start(sink: SinkParcel | null): Promise<void> {
    return this.threads.start(this.session, sink);
  }

  /** Plays into another ring from now on; null: to nobody, in time. */
  setSink(sink: SinkParcel | null): void {
    this.threads.setSink(sink);
  }

  /** Ends all sources and their notes; what sounds may ring out. */
  finish(): void {
    this.midi.setDeaf(true);
    this.threads.finish();
  }

  /** Changes and edits come one after the other, in the order in which they were asked for. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }

  /**
   * Plays another session from its beginning, as soon as it is ready; until then this one goes on.
   * @throws BelljarError what prepareSession throws; this session then goes on
   */
  change(session: Session): Promise<void> {
    return this.inTurn(async () => {
      await this.threads.prepare(session, !this.threads.isPlaying);
      this.session = session;
      this.leadMidi();
      this.midi.setDeaf(false);
      await this.threads.hearReady();
    });
  }

  /**
   * Goes on with this session at the same place, with other nodes and wires. A node of the same id, type and config plays on,
   * with its sound and its values; its parameters change where the two sessions say them differently. What is new, or has
   * another config, is set up beside the sound, and what comes and goes at that block's edge is faded over 5 ms. A node with
   * another config keeps the values of its parameters and its graph data, and, with the policy "restore", the state that it
   * was handed over with.
   * @throws BelljarError what prepareSession throws; live/edit where rate or block size would change; all then goes on as it was
   */
  edit(session: Session): Promise<void> {
    return this.inTurn(() => this.goOnWith(session));
  }

  private async goOnWith(session: Session): Promise<void> {
    await this.threads.edit(session);
    this.session = session;
    this.leadMidi();
  }

  /**
   * Goes on with this session at the same place, at another rate: all plugins are set up again for that beside the sound, with
   * the values that they have; how they sound on is faded over 5 ms.
   * @throws BelljarError session/rate where it plays a file of another rate, and what `edit` throws; all then goes on as it was
   */
  changeRate(rate: number): Promise<void> {
    return this.inTurn(async () => {
      await this.threads.changeRate(this.session, rate);
      this.leadMidi();
    });
  }

  /** The sound ends at this second of it, to the frame: nothing is rendered after it. null: it does not. */
  endAt(seconds: number | null): void {
    this.words.figures[Figure.End] =
      seconds === null ? 0 : Math.max(1, Math.round(seconds * this.facts.rate));
  }

  /**
   * Gives a plugin other config values, however long it works on them: another instance is set up beside the sound, and takes
   * the place of the one that plays with a fade of 5 ms, as `edit` says.
   * @param config by the config parameter's id; the others stay as they are
   * @throws BelljarError live/node, and what `edit` throws
   */
  configure(node: string, config: Readonly<Record<string, Json>>): Promise<void> {
    return this.inTurn(async () => {
      this.placeOf(node);
      const nodes = this.session.nodes.map((one) =>
        one.id === node ? { ...one, config: new Map([...one.config, ...Object.entries(config)]) } : one,
      );
      await this.goOnWith({ ...this.session, nodes });
    });
  }

  /** Where the nodes are that MIDI devices play. */
  private leadMidi(): void {
    const { controls, parcel } = this.ready;
    this.midi.lead(parcel.session, (id) => {
      const place = controls.get(id);
      return place?.type === "event_input" ? place.node : -1;
    });
  }

  /**
   * Sets a parameter, in its own unit, from the next block on.
   * @throws BelljarError live/node, live/parameter, live/value, live/full
   */
  set(node: string, parameter: string, value: number): void {
    const place = this.placeOf(node);
    const slot = place.slots.get(parameter);
    if (slot === undefined) {
      const known = [...place.slots.keys()];
      throw new BelljarError(
        "live/parameter",
        `"${printable(node, 60)}" has no parameter "${printable(parameter, 60)}".`,
        known.length === 0 ? "It has none." : `It has ${known.join(", ")}.`,
      );
    }
    checkFinite("A parameter", value);
    const word = placeWord(this.ready.parcel.session, place.node);
    if (!this.parameters.put(0, value, [word, slot])) throw this.full();
  }

  /**
   * Plays an event on a node of type event_input.
   * @throws BelljarError live/node, live/event, live/value, live/full
   */
  play(node: string, event: LiveInput): void {
    const place = this.inputOf(node);
    checkInput(event);
    const { type, time, noteId, channel, key, id, value } = event;
    const word = placeWord(this.ready.parcel.session, place.node);
    const fields = [word, type, noteId ?? -1, channel ?? -1, key ?? -1, id ?? 0];
    if (!this.events.put(time ?? 0, value ?? 0, fields)) throw this.full();
  }

  /**
   * Plays a node of type event_input from a MIDI device, until `disconnect` or the end. A device that is pulled out lets go of
   * its notes, and is looked for; onEvent tells. After `change` it plays the node of that id.
   * @param device an input's name (see listMidiInputs), or a part of it that one input alone has
   * @throws BelljarError live/node, live/event, midi/library where the optional package is missing, midi/system, midi/input,
   * midi/open, midi/connections
   */
  async connectMidi(
    node: string,
    device: string,
    options: { channel?: number | undefined } = {},
  ): Promise<MidiConnection> {
    const { channel } = options;
    checkWholeOf("channel", channel ?? 0, 0, 15);
    const place = this.inputOf(node);
    return this.midi.connect(node, device, channel ?? -1, place.node, this.ready.parcel.session);
  }

  /** The frame at which what happens now is to sound, for `play`: at a constant lag, wherever in a block it is. */
  get now(): number {
    return frameAt(this.words, this.clock());
  }

  private inputOf(node: string): ControlPlace {
    const place = this.placeOf(node);
    if (place.type === "event_input") return place;
    throw new BelljarError(
      "live/event",
      `"${printable(node, 60)}" is no event_input, so nothing can be played on it.`,
    );
  }

  private placeOf(node: string): ControlPlace {
    const place = this.ready.controls.get(node);
    if (place !== undefined) return place;
    throw new BelljarError(
      "live/node",
      `The session has no node "${printable(node, 60)}".`,
      `It has ${[...this.ready.controls.keys()].map((id) => printable(id, 60)).join(", ")}.`,
    );
  }

  private full(): BelljarError {
    this.words.add(Word.Lost, 1);
    return new BelljarError(
      "live/full",
      "The audio thread has not taken what was sent before.",
      "Send less at once.",
    );
  }

  /** What it is doing, read from shared words. */
  get figures(): LiveFigures {
    return readFigures(this.words);
  }

  /** What each node is doing, in the order of the session; read from shared words. */
  get meters(): LiveMeter[] {
    return readMeters(this.words, this.ready.parcel);
  }

  /**
   * A node's control outputs (its monitors among them) as the last block left them, by port, in their own units; read
   * from shared memory.
   * @throws BelljarError live/node
   */
  monitors(node: string): Map<string, number> {
    const place = this.placeOf(node);
    const parcel = this.ready.parcel.nodes.find(({ slot }) => slot === place.node);
    const values = parcel?.kind === "plugin" ? parcel.monitors : [];
    return new Map(place.monitors.map((id, i) => [id, values[i] as number]));
  }

  /** How late the audio thread began its blocks, all that went into a sink. */
  get lateness(): Lateness {
    return latenessOf(this.words.lateness);
  }

  /** Ends the sound, and all threads. */
  async close(): Promise<void> {
    await this.threads.close();
    await this.midi.close();
  }
}
