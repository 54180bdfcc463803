// One playing of a session as a user meets it: what is said and drawn while it lasts, and Ctrl-C.

import { printable } from "../../abi/error.ts";
import type { StreamStatus } from "../../abi/sidecar.ts";
import type { LiveFigures } from "../engine/live/live-session.ts";
import { type LivePlay, type PlayEvent, type PlayOptions, playLive } from "../engine/live/play-live.ts";
import type { OnFault } from "../engine/recovery.ts";
import type { Session } from "../engine/session.ts";
import { deviceNews } from "./device-news.ts";
import { onInterrupt } from "./interrupt.ts";
import { type LiveRow, liveLines, type NodeStory } from "./live-view.ts";
import { LogLines } from "./log.ts";
import { milliseconds, type Played, playFacts, playSummary } from "./play-summary.ts";
import { exactClock } from "./recovery-lines.ts";
import { StatusLine } from "./status-line.ts";
import { canRedraw, painter } from "./table.ts";

export interface Show {
  /** A report as JSON at the end, instead of texts on stdout. */
  json: boolean;
  /** The length that is asked for; it ends there without ringing out. */
  seconds?: number | undefined;
  /** Ends all sources there; what sounds rings out. */
  finishAt?: number | undefined;
  /** Whether the user named a device. */
  named: boolean;
  /** Seconds after which a line says how far it is, where there is no terminal; not said: none. */
  heartbeat?: number | undefined;
}

export interface Outcome {
  /** It came to its end, or to where it was to be finished: neither Ctrl-C nor a length that was asked for ended it before. */
  complete: boolean;
  /** Ctrl-C came twice. */
  impatient: boolean;
  device: string;
  late: number;
  rows: readonly LiveRow[];
}

/** How often the screen is drawn. Milliseconds. */
const ROUND = 100;
/** Several signals within so long are one Ctrl-C: npm passes on what its children get anyway. Milliseconds. */
const ONE_PRESS = 250;
const EXIT_INTERRUPTED = 130;
const MOST_EVENTS = 1000;

/**
 * Plays a session once.
 * @throws BelljarError what playLive throws
 */
export async function perform(session: Session, options: PlayOptions, show: Show): Promise<Outcome> {
  const performance_ = new Performance(session, options.onFault, show);
  try {
    return await performance_.play(options);
  } finally {
    performance_.end();
  }
}

class Performance {
  private readonly session: Session;
  private readonly onFault: OnFault | undefined;
  private readonly show: Show;
  private readonly line = new StatusLine();
  private readonly paint = painter(process.stderr);
  private readonly log = new LogLines((text) => this.print(text));
  private readonly events: { what: string; message: string; seconds: number }[] = [];
  private readonly stories = new Map<string, NodeStory>();
  private live: LivePlay | null = null;
  /** What happened before it was said that it plays. */
  private early: PlayEvent[] = [];
  private drawing: ReturnType<typeof setInterval> | null = null;
  private underruns = 0;
  /** Sums of the nodes' loads, and how often they were looked at. */
  private readonly loads: number[] = [];
  private looks = 0;
  private beat = 0;
  /** When Ctrl-C was last pressed. */
  private pressed = Number.NEGATIVE_INFINITY;
  private finishing = false;
  private impatient = false;
  private closing = false;

  constructor(session: Session, onFault: OnFault | undefined, show: Show) {
    this.session = session;
    this.onFault = onFault;
    this.show = show;
  }

  async play(options: PlayOptions): Promise<Outcome> {
    const { show } = this;
    this.line.show("Getting ready…");
    const live = await playLive(this.session, { ...options, onEvent: (event) => this.hear(event) });
    let status: StreamStatus | null;
    let figures: LiveFigures;
    let rows: LiveRow[];
    try {
      const interrupted = this.heedInterrupts(live);
      this.introduce(live);
      this.live = live;
      for (const event of this.early) this.hear(event);
      this.drawing = setInterval(() => this.draw(live), ROUND);
      await Promise.race([live.ended(show.seconds), interrupted]);
    } finally {
      this.closing = true;
      this.stopDrawing();
      figures = live.figures;
      rows = this.rows(live);
      status = await live.output.status();
      // What lay in the ring is counted as well, where the device can still be asked.
      status = (await live.close()) ?? status;
    }
    this.summarise({ live, figures, rows, status, underruns: this.underruns });
    const complete = show.seconds === undefined && this.pressed === Number.NEGATIVE_INFINITY;
    return { complete, impatient: this.impatient, device: live.device, late: figures.late, rows };
  }

  end(): void {
    this.stopDrawing();
    onInterrupt(null);
  }

  private stopDrawing(): void {
    if (this.drawing !== null) clearInterval(this.drawing);
    this.drawing = null;
    this.line.clear();
  }

  /** Resolves when Ctrl-C was pressed a second time. */
  private heedInterrupts(live: LivePlay): Promise<void> {
    return new Promise((resolve) => {
      onInterrupt(() => {
        const now = performance.now();
        if (now - this.pressed < ONE_PRESS) return;
        const first = this.pressed === Number.NEGATIVE_INFINITY;
        this.pressed = now;
        if (first) {
          if (!this.finishing) live.finish();
          this.finishing = true;
          setTimeout(() => {
            if (!this.closing) this.print("belljar: It rings out; Ctrl-C again ends it at once.");
          }, ONE_PRESS).unref();
        } else {
          if (this.closing) process.exit(EXIT_INTERRUPTED);
          this.impatient = true;
          resolve();
        }
      });
    });
  }

  private print(text: string): void {
    this.line.clear();
    process.stderr.write(`${text}\n`);
  }

  private introduce(live: LivePlay): void {
    const { facts, output, latency } = live;
    this.line.clear();
    if (!this.show.json) {
      process.stdout.write(
        `Playing on ${printable(live.device, 120)}, ${facts.rate} Hz, ${milliseconds(latency.ready)} ahead.\n`,
      );
    }
    for (const { node, device } of live.inputs) {
      this.print(`belljar: "${printable(device, 120)}" plays ${printable(node, 60)}.`);
    }
    for (const warning of facts.warnings) this.print(`belljar: ${warning}`);
    for (const change of output.format?.changes ?? []) this.print(`belljar: ${printable(change, 200)}`);
    if (output.standIn !== "") this.print(`belljar: ${output.standIn}`);
    if ((!this.show.named || output.standIn !== "") && live.device === "null") {
      const notes = output.notes.map((note) => printable(note, 200));
      const why = notes.length > 0 ? notes.join(" ") : "`belljar devices` says what is there.";
      this.print(`belljar: there is no sound card to play on, so nobody hears it. ${why}`);
    }
    if (this.length(live) === null) this.print("belljar: nothing in it ends; Ctrl-C does.");
  }

  /** Seconds; null: nothing in it ends. */
  private length({ facts: { rate, contentFrames } }: LivePlay): number | null {
    return this.show.seconds ?? this.show.finishAt ?? (contentFrames === null ? null : contentFrames / rate);
  }

  private story(node: string): NodeStory {
    const known = this.stories.get(node);
    if (known !== undefined) return known;
    const story = { faultCount: 0, replacements: 0, kind: "", seconds: 0 };
    this.stories.set(node, story);
    return story;
  }

  private hear(event: PlayEvent): void {
    if (this.live === null) {
      this.early.push(event);
      return;
    }
    switch (event.what) {
      case "message":
        if (event.kind === "log") this.log.take(event.node, event.text, event.level, this.seconds);
        break;
      case "underrun":
        this.underruns = event.underruns;
        break;
      case "lost":
      case "back":
      case "moved":
      case "devices":
      case "format": {
        const news = deviceNews(event);
        if (news !== null) this.note(event.what, news);
        break;
      }
      case "fault": {
        const story = this.story(event.node);
        story.faultCount++;
        story.kind = event.kind ?? "runtime";
        story.seconds = this.secondsAt(event.frame);
        this.note("fault", `${event.message}${this.policyOf(event.node)}`, event.node, event.frame);
        break;
      }
      case "replaced":
        this.story(event.node).replacements++;
        this.note("replaced", event.message, event.node, event.frame);
        break;
      case "failed":
      case "off":
        this.note(event.what, event.message, event.node, event.frame);
        break;
      case "rescued":
        this.note(event.what, event.message, "", event.frame);
        break;
      case "sink":
      case "control":
      case "midi-lost":
      case "midi-back":
        this.note(event.what, event.message);
        break;
    }
  }

  /** What follows now, in words; what a policy of replacing does is told when it is done. */
  private policyOf(id: string): string {
    const node = this.session.nodes.find((one) => one.id === id);
    if ((this.onFault ?? node?.onFault ?? "off") !== "off") return "";
    return node?.whileFaulty === "bypass" ? " It stays off and is bypassed." : " It stays off.";
  }

  private get seconds(): number {
    return this.live?.figures.seconds ?? 0;
  }

  private secondsAt(frame: number): number {
    return this.live === null ? 0 : frame / this.live.facts.rate;
  }

  private note(what: string, message: string, node = "", frame: number | null = null): void {
    const seconds = frame === null ? this.seconds : this.secondsAt(frame);
    if (this.events.length < MOST_EVENTS) this.events.push({ what, message, seconds });
    const who = node === "" ? "belljar" : printable(node, 80);
    this.print(`${this.paint("yellow", `${who}: [${what}]`)} at ${exactClock(seconds)}: ${message}`);
  }

  private rows(live: LivePlay): LiveRow[] {
    return live.meters.map((meter, i) => {
      const node = this.session.nodes[i] as Session["nodes"][number];
      const load = (this.loads[i] ?? 0) / Math.max(1, this.looks);
      return { node, meter, story: this.story(meter.id), load };
    });
  }

  private draw(live: LivePlay): void {
    const { figures } = live;
    for (const [i, { load }] of live.meters.entries()) this.loads[i] = (this.loads[i] ?? 0) + load;
    this.looks++;
    const { finishAt, heartbeat } = this.show;
    if (finishAt !== undefined && !this.finishing && figures.seconds >= finishAt) {
      this.finishing = true;
      live.finish();
    }
    const view = {
      rows: this.rows(live),
      figures,
      underruns: this.underruns,
      length: this.length(live),
    };
    const { columns, rows } = process.stderr;
    if (canRedraw(process.stderr)) {
      const lines = liveLines(view, { columns: columns || 80, rows: rows || 24 }, this.paint);
      if (lines.length === 1) this.line.show(lines[0] as string);
      else this.line.showLines(lines);
    } else if (heartbeat !== undefined && figures.seconds >= (this.beat + 1) * heartbeat) {
      this.beat = Math.floor(figures.seconds / heartbeat);
      this.print(liveLines(view, { columns: 0, rows: 0 }, this.paint)[0] as string);
    }
  }

  private summarise(played: Played): void {
    this.log.end();
    const facts = { events: this.events, log: this.log.records };
    const text = this.show.json
      ? `${JSON.stringify({ ...playFacts(played), ...facts }, null, 2)}\n`
      : playSummary(played);
    process.stdout.write(text);
  }
}
