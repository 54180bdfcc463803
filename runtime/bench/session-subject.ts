// A session as it is measured: its graph, block after block, as a render runs it.

import { printable } from "../../abi/error.ts";
import { openSession } from "../engine/open-session.ts";
import type { InputFile, PreparedSession } from "../engine/prepare.ts";
import type { Session } from "../engine/session.ts";
import type { NodeStep } from "../graph/index.ts";
import { loadPluginType } from "../registry/load.ts";
import type { Limits, PluginType } from "../sandbox/index.ts";
import type { Configuration, Player, Subject } from "./player.ts";

export interface SessionInputs {
  folder: string;
  midi: ReadonlyMap<string, InputFile>;
  audio: ReadonlyMap<string, InputFile>;
  limits: Partial<Limits>;
}

export class SessionSubject implements Subject {
  readonly session: Session;
  private readonly inputs: SessionInputs;
  /** Loaded once, by name or path. */
  private readonly types = new Map<string, Promise<PluginType>>();

  constructor(session: Session, inputs: SessionInputs) {
    this.session = session;
    this.inputs = inputs;
  }

  async player(configuration: Configuration): Promise<SessionPlayer> {
    return new SessionPlayer(await this.prepare(configuration));
  }

  /** @param timed whether the nodes are timed, which makes the whole slower */
  prepare({ rate, block }: Pick<Configuration, "rate" | "block">, timed = false): Promise<PreparedSession> {
    return openSession(this.session, {
      ...this.inputs,
      rate,
      block,
      load: (type) => this.load(type),
      clock: timed ? () => performance.now() : undefined,
    });
  }

  private load(type: string): Promise<PluginType> {
    const known = this.types.get(type);
    if (known !== undefined) return known;
    const loaded = loadPluginType(type, { limits: this.inputs.limits });
    this.types.set(type, loaded);
    return loaded;
  }
}

export class SessionPlayer implements Player {
  readonly prepared: PreparedSession;
  readonly outputs: readonly Float32Array[];
  units = 0;
  readonly idles = null;
  private total = 0;
  private frame = 0;

  constructor(prepared: PreparedSession) {
    this.prepared = prepared;
    this.outputs = [prepared.graph.left, prepared.graph.right];
  }

  get lostEvents(): number {
    const { graph } = this.prepared;
    return graph.steps.reduce((sum, step) => sum + step.lostEvents, graph.lostInQueues);
  }

  get stopped(): string {
    const { graph, nodes } = this.prepared;
    const step = graph.steps[graph.faults[0] ?? 0] as NodeStep;
    const fault = nodes.find(({ node }) => node === step.node)?.instance?.fault;
    return `The node "${printable(step.id, 60)}" was stopped: ${fault?.message ?? "the runtime failed at it."}`;
  }

  prepare(): void {
    const { transport, graph, block } = this.prepared;
    transport.write(graph.transport, this.frame);
    transport.writeChanges(graph.changes, this.frame, block);
    this.frame += block;
  }

  process(): boolean {
    this.prepared.graph.process();
    return this.prepared.graph.faultCount === 0;
  }

  rest(): void {
    const { steps } = this.prepared.graph;
    let total = 0;
    for (let i = 0; i < steps.length; i++) total += (steps[i] as NodeStep).units;
    this.units = total - this.total;
    this.total = total;
    for (const { instance } of this.prepared.nodes) instance?.drainMessages(() => {});
  }
}
