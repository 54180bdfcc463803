// An offline render's faults: kept, told, and followed by what each node's policy says. The sound waits while a
// replacement is made, so that each render of a session is the same; when one is due, recovery.ts decides.

import { BelljarError, printable } from "../../abi/error.ts";
import type { NodeStep } from "../graph/index.ts";
import { PluginNode } from "./plugin-node.ts";
import type { PreparedNode, PreparedSession } from "./prepare.ts";
import { Recovery, type RecoveryState, whyGivenUp, whyNotReplaced } from "./recovery.ts";

export interface FaultReport {
  /**
   * A FaultKind; "host" where the runtime itself failed. Of a replacement that could not be made: what the plugin did
   * ("unreachable", "refused", "no-memory"), or "setup" where it was not the plugin.
   */
  kind: string;
  /** One sentence, safe to print. */
  message: string;
  /** The block in which it stopped, and where that begins in the sound, in seconds. */
  block: number;
  seconds: number;
}

/** Something that happened to a node, told soon after. */
export interface RecoveryEvent {
  /** The node's id. */
  node: string;
  /** It stopped; another instance took its place; none could be made; none will be made any more. */
  what: "fault" | "replaced" | "failed" | "off";
  /** One sentence, safe to print. */
  message: string;
  /** The block from which on it holds, and where that begins in the sound, in seconds. */
  block: number;
  seconds: number;
}

/** What became of a node. */
export interface NodeFate {
  /** The first hundred faults, failed replacements among them, and how many there were. */
  faults: FaultReport[];
  faultCount: number;
  /** The last one, or null. */
  fault: FaultReport | null;
  /** Instances that took its place. */
  replacements: number;
  /** What it is at the end. */
  state: RecoveryState;
  /** Why it is off, where its policy says otherwise: "it was replaced 5 times within 60 s". */
  whyOff: string;
}

const MOST_FAULTS = 100;

export class RenderRecovery {
  private readonly prepared: PreparedSession;
  private readonly tell: ((event: RecoveryEvent) => void) | undefined;
  private readonly leave: (node: PreparedNode) => void;
  private readonly recovery: Recovery;
  private readonly fates: NodeFate[];
  /** Where each stopped that waits: blocks. */
  private readonly since: number[];
  private readonly toldOff = new Set<number>();
  /** How many of the graph's faults are known. */
  private known = 0;

  /** @param leave takes a last look at a node whose instance is about to go @param tell hears what happens */
  constructor(
    prepared: PreparedSession,
    leave: (node: PreparedNode) => void,
    tell?: (event: RecoveryEvent) => void,
  ) {
    this.prepared = prepared;
    this.leave = leave;
    this.tell = tell;
    const policies = prepared.nodes.map((node) => node.recipe?.onFault ?? "off");
    this.recovery = new Recovery(prepared.rate, policies, prepared.recovery);
    this.since = policies.map(() => 0);
    this.fates = policies.map(() => ({
      faults: [],
      faultCount: 0,
      fault: null,
      replacements: 0,
      state: "on",
      whyOff: "",
    }));
    for (const { recipe, instance } of prepared.nodes) if (instance !== null) recipe?.handOver(instance);
  }

  /** By node in the order of declaration. */
  fate(node: number): NodeFate {
    const fate = this.fates[node] as NodeFate;
    fate.state = this.recovery.state(node);
    fate.whyOff = this.recovery.reason(node);
    return fate;
  }

  /** After each block: takes in who has stopped. */
  look(): void {
    const { graph } = this.prepared;
    for (; this.known < graph.faultCount; this.known++) {
      const step = graph.steps[graph.faults[this.known] as number] as NodeStep;
      this.stopped(graph.byNode.indexOf(step), step);
    }
  }

  private stopped(node: number, step: NodeStep): void {
    const entry = this.prepared.nodes[node] as PreparedNode;
    const fault = entry.instance?.fault ?? null;
    const thrown = step.thrown instanceof Error ? step.thrown.message : String(step.thrown);
    this.keep(node, {
      kind: fault?.kind ?? "host",
      message: fault?.message ?? `The runtime failed at this node: ${printable(thrown)}.`,
      block: step.faultBlock,
      seconds: this.seconds(step.faultBlock),
    });
    this.since[node] = step.faultBlock;
    this.say(node, "fault", (this.fate(node).fault as FaultReport).message, step.faultBlock);
    // One that stopped between blocks stops in the next one, as the others see it.
    this.decide(node, step.faultBlock + 1);
  }

  /** @param block at whose edge the fault is over */
  private decide(node: number, block: number): void {
    if (this.recovery.fault(node, block * this.prepared.block) === "off") this.sayOff(node);
  }

  /** Whether a replacement is due before the next block. */
  get due(): boolean {
    const { graph, nodes, block } = this.prepared;
    if (graph.faultCount === 0) return false;
    const frame = graph.block * block;
    return nodes.some((_, node) => (this.recovery.due(node) ?? Number.POSITIVE_INFINITY) <= frame);
  }

  /** Between blocks: makes what is due, and swaps. */
  async replace(): Promise<void> {
    const { graph, block } = this.prepared;
    for (;;) {
      const node = this.recovery.next(graph.block * block);
      // Others may have been waiting for what is now used up.
      for (let i = 0; i < this.fates.length; i++) this.sayOff(i);
      if (node < 0) return;
      try {
        await this.replaceNode(node);
      } catch (error) {
        this.failed(node, error);
      }
    }
  }

  private async replaceNode(node: number): Promise<void> {
    const { graph, nodes, block } = this.prepared;
    const entry = nodes[node] as PreparedNode;
    const { recipe, instance: gone } = entry;
    if (recipe === undefined || gone === null) throw new Error("only plugins are replaced");
    // First, so that the memory is there for the next one: the graph keeps away from a node that is at fault.
    this.leave(entry);
    gone.dispose();
    const instance = await recipe.makeAgain(gone.graphData);
    const next = new PluginNode(instance);
    try {
      graph.replace(graph.prepareReplacement(node, next));
    } catch (error) {
      instance.dispose();
      throw error;
    }
    this.known = graph.faultCount;
    entry.instance = instance;
    entry.node = next;
    this.recovery.replaced(node, graph.block * block);
    const fate = this.fate(node);
    fate.replacements++;
    const waited = graph.block - (this.since[node] as number);
    const how = recipe.onFault === "restore" ? "restored" : "restarted";
    this.say(node, "replaced", `It is ${how} after ${this.seconds(waited).toFixed(3)} s.`, graph.block);
  }

  private failed(node: number, error: unknown): void {
    const { graph } = this.prepared;
    if (!(error instanceof BelljarError)) throw error;
    const kind = /^plugin\/(.*)$/.exec(error.code)?.[1] ?? "setup";
    const { id } = this.prepared.nodes[node] as PreparedNode;
    const message = whyNotReplaced(id, error);
    this.keep(node, { kind, message, block: graph.block, seconds: this.seconds(graph.block) });
    this.say(node, "failed", message, graph.block);
    const lasting = whyGivenUp(error);
    if (lasting === null) return this.decide(node, graph.block);
    this.recovery.giveUp(node, lasting);
    this.sayOff(node);
  }

  private sayOff(node: number): void {
    const why = this.recovery.reason(node);
    if (why === "" || this.toldOff.has(node)) return;
    this.toldOff.add(node);
    this.say(node, "off", `It stays off: ${why}.`, this.prepared.graph.block);
  }

  private keep(node: number, report: FaultReport): void {
    const fate = this.fate(node);
    fate.fault = report;
    fate.faultCount++;
    if (fate.faults.length < MOST_FAULTS) fate.faults.push(report);
  }

  private say(node: number, what: RecoveryEvent["what"], message: string, block: number): void {
    const { id } = this.prepared.nodes[node] as PreparedNode;
    this.tell?.({ node: id, what, message, block, seconds: this.seconds(block) });
  }

  private seconds(blocks: number): number {
    return (blocks * this.prepared.block) / this.prepared.rate;
  }
}
