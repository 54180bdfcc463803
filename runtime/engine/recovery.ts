// Whether and when a plugin that stopped is replaced: policies, back-off, limits. It knows nothing of plugins and graphs,
// and no clock but frames of sound, so that a render decides the same each time, and the live engine the same as a render.

import { checkKeys, checkNumber, checkWhole } from "./arguments.ts";

/**
 * What follows when a plugin has stopped. "off": nothing, it stays off. "restart": a new instance, with today's parameters,
 * config and graph data. "restore": the same, with the state that it had when it was handed over.
 */
export type OnFault = (typeof ON_FAULT)[number];
export const ON_FAULT = ["off", "restart", "restore"] as const;

/** What is heard instead: silence, or its audio inputs as they are. */
export type WhileFaulty = (typeof WHILE_FAULTY)[number];
export const WHILE_FAULTY = ["silence", "bypass"] as const;

/** Errors of setting up a plugin that come again however often it is done. */
const LASTING =
  /^(plugin\/(changed|contract|layout|config|port|too-large|unsupported)|(session|file|descriptor)\/.*)$/;

/** Why a node whose replacement could not be made is given up, as the end of a sentence; null: it may be tried again. */
export function whyGivenUp({ code }: { code: string }): string | null {
  return LASTING.test(code) ? "another replacement would fail in the same way" : null;
}

/** What could not be done, without the name of the node: that is said beside it. */
export function whyNotReplaced(node: string, { message }: { message: string }): string {
  return `It could not be replaced: ${message.replace(`The node "${node}": `, "")}`;
}

/** Bounds of replacing. All times are seconds of sound. */
export interface RecoveryLimits {
  /**
   * The first replacement comes at the next block's edge, the second so much after the fault, each further one twice as
   * long after its fault as the one before.
   */
  backOff: number;
  /** The back-off grows no further than this. */
  longestBackOff: number;
  /** After so long without a fault, the node's back-off begins anew. */
  healthy: number;
  /** A node that was replaced so often within `nodeSeconds` stays off when it stops again. */
  perNode: number;
  nodeSeconds: number;
  /** Replacements of all nodes together within a second; more wait their turn. */
  perSecond: number;
  /** Replacements in all; whatever stops after them stays off. */
  total: number;
}

export const DEFAULT_RECOVERY: Readonly<RecoveryLimits> = {
  backOff: 0.1,
  longestBackOff: 10,
  healthy: 60,
  perNode: 5,
  nodeSeconds: 60,
  perSecond: 8,
  total: 1000,
};

/** @throws BelljarError usage/option, usage/value */
export function checkRecovery(given: Partial<RecoveryLimits>): RecoveryLimits {
  checkKeys("option of recovery", given, Object.keys(DEFAULT_RECOVERY));
  const limits = { ...DEFAULT_RECOVERY };
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const name = key as keyof RecoveryLimits;
    if (name === "perNode" || name === "total") checkWhole(`recovery's ${name}`, value, 0, 1_000_000);
    else if (name === "perSecond") checkWhole("recovery's perSecond", value, 1, 1000);
    else checkNumber(`recovery's ${name}`, value, 0, 86_400);
    limits[name] = value;
  }
  return limits;
}

/** "on": it plays. "waiting": it is at fault, and a replacement is due or being made. "off": it is at fault, and stays so. */
export type RecoveryState = "on" | "waiting" | "off";

export interface Watched {
  readonly policy: OnFault;
  state: RecoveryState;
  /** Why it stays off; "" where it is not, or where its policy is to. */
  reason: string;
  /** When its replacement is to be begun. */
  due: number;
  /** Whether that is under way. */
  making: boolean;
  /** Replacements begun since it was last healthy for long enough. */
  streak: number;
  /** When it last came back. */
  back: number;
  /** When replacements were begun, as far as they count for its limit. */
  begun: number[];
}

/** What a Recovery knows, for the one that goes on with it. */
export interface RecoveryMemory {
  begun: number;
  recent: number[];
  nodes: Watched[];
}

/** [control] Frames are those of the sound since its start; they must not go back from call to call. */
export class Recovery {
  readonly limits: RecoveryLimits;
  /** Replacements begun so far. */
  begun = 0;
  private readonly rate: number;
  private readonly nodes: Watched[];
  /** When the last `perSecond` replacements of all nodes were begun. */
  private readonly recent: number[] = [];

  /** @param policies one a node */
  constructor(rate: number, policies: readonly OnFault[], limits: RecoveryLimits = DEFAULT_RECOVERY) {
    this.rate = rate;
    this.limits = limits;
    this.nodes = policies.map((policy) => ({
      policy,
      state: "on",
      reason: "",
      due: 0,
      making: false,
      streak: 0,
      back: 0,
      begun: [],
    }));
  }

  get memory(): RecoveryMemory {
    return { begun: this.begun, recent: [...this.recent], nodes: this.nodes.map((node) => ({ ...node })) };
  }

  /** Goes on with what another one knew. @param was by node: its number there, or -1 */
  recall({ begun, recent, nodes }: RecoveryMemory, was: readonly number[]): void {
    this.begun = begun;
    this.recent.splice(0, this.recent.length, ...recent);
    for (const [node, before] of was.entries()) {
      const known = nodes[before];
      const { policy } = this.at(node);
      if (known === undefined) continue;
      // One whose replacement was on its way has it by now.
      const state = known.making ? "on" : known.state;
      this.nodes[node] = { ...known, policy, state, making: false };
    }
  }

  state(node: number): RecoveryState {
    return this.at(node).state;
  }

  /** Why it stays off, as the end of a sentence; "" where it is not off, or where that is its policy. */
  reason(node: number): string {
    return this.at(node).reason;
  }

  /** The frame from which on its replacement is to be made, or null: it plays, or stays off. */
  due(node: number): number | null {
    const watched = this.at(node);
    return watched.state === "waiting" ? watched.due : null;
  }

  /**
   * A node has stopped.
   * @param frame where the block ends in which it did @returns what it is now: "waiting" or "off"
   */
  fault(node: number, frame: number): RecoveryState {
    const watched = this.at(node);
    const { limits, rate } = this;
    watched.making = false;
    if (watched.policy === "off") return this.turnOff(watched, "");
    const window = limits.nodeSeconds * rate;
    watched.begun = watched.begun.filter((at) => frame - at < window);
    if (watched.begun.length >= limits.perNode) {
      const times = limits.perNode === 1 ? "once" : `${limits.perNode} times`;
      return this.turnOff(
        watched,
        limits.perNode === 0
          ? "no node is to be replaced"
          : `it was replaced ${times} within ${limits.nodeSeconds} s`,
      );
    }
    if (this.begun >= limits.total) return this.turnOff(watched, this.used());
    if (watched.state === "on" && watched.streak > 0 && frame - watched.back >= limits.healthy * rate) {
      watched.streak = 0;
    }
    watched.state = "waiting";
    watched.due = frame + Math.round(this.wait(watched.streak) * rate);
    return watched.state;
  }

  /** Seconds from a fault to its replacement, after so many replacements in a row. */
  private wait(streak: number): number {
    const { backOff, longestBackOff } = this.limits;
    return streak === 0 ? 0 : Math.min(longestBackOff, backOff * 2 ** (streak - 1));
  }

  /**
   * The node whose replacement is to be begun now, or -1. It counts as begun, and is to end with `replaced`, `fault` (making
   * it failed) or `giveUp`. One that stopped less often lately comes first, then one that is due for longer, so that none
   * waits for another's storm.
   */
  next(frame: number): number {
    const { limits, recent } = this;
    let first = -1;
    for (let i = 0; i < this.nodes.length; i++) {
      const watched = this.at(i);
      if (watched.state !== "waiting" || watched.making || watched.due > frame) continue;
      if (first < 0 || before(watched, this.at(first))) first = i;
    }
    if (first < 0) return -1;
    const watched = this.at(first);
    if (this.begun >= limits.total) {
      this.turnOff(watched, this.used());
      return this.next(frame);
    }
    if (recent.length >= limits.perSecond && frame - (recent[0] as number) < this.rate) return -1;
    recent.push(frame);
    if (recent.length > limits.perSecond) recent.shift();
    watched.begun.push(frame);
    watched.streak++;
    watched.making = true;
    this.begun++;
    return first;
  }

  /** The replacement plays from this frame on. */
  replaced(node: number, frame: number): void {
    const watched = this.at(node);
    watched.state = "on";
    watched.making = false;
    watched.back = frame;
  }

  /** No replacement can help. @param reason the end of a sentence: "it describes itself otherwise than before" */
  giveUp(node: number, reason: string): void {
    this.turnOff(this.at(node), reason);
  }

  private turnOff(watched: Watched, reason: string): RecoveryState {
    watched.state = "off";
    watched.making = false;
    watched.reason = reason;
    return "off";
  }

  private used(): string {
    const { total } = this.limits;
    return total === 0 ? "no node is to be replaced" : `all ${total} replacements of the session are used up`;
  }

  private at(node: number): Watched {
    return this.nodes[node] as Watched;
  }
}

function before(a: Watched, b: Watched): boolean {
  return a.streak === b.streak ? a.due < b.due : a.streak < b.streak;
}
