// What is allowed, and yet is hardly what a plugin's author meant.

import type { PluginDescriptor } from "../../abi/descriptor.ts";
import { printable } from "../../abi/error.ts";
import { nearest } from "../graph/nearest.ts";
import type { ModuleFacts } from "../sandbox/index.ts";
import { CONTRACT } from "../sandbox/vet.ts";

/** Sentences, safe to print. */
export function notesOn({ exports }: ModuleFacts, descriptor: PluginDescriptor): string[] {
  const notes: string[] = [];
  const known = [...CONTRACT.keys()].filter((name) => !exports.includes(name));
  for (const name of exports) {
    if (!name.startsWith("bj_") || CONTRACT.has(name)) continue;
    const near = nearest(name, known);
    const meant = near === null ? "." : `; is it meant to be ${near}?`;
    notes.push(`It exports ${printable(name, 80)}, which no host calls${meant}`);
  }
  const lacks = (what: string, ids: readonly string[], needed: readonly string[]) => {
    const missing = needed.filter((name) => !exports.includes(name));
    if (ids.length === 0 || missing.length === 0) return;
    const several = ids.length === 1 ? what : `${what}s`;
    const all = ids.map((id) => `"${printable(id, 60)}"`).join(", ");
    notes.push(`It has the ${several} ${all} and does not export ${missing.join(" and ")}.`);
  };
  const params = descriptor.config_params;
  const idsOf = (list: readonly { id: string }[]) => list.map(({ id }) => id);
  lacks("config parameter", idsOf(params.filter(({ type }) => type !== "filepath")), ["bj_configure"]);
  lacks("config parameter", idsOf(params.filter(({ type }) => type === "filepath")), ["bj_configure_file"]);
  const graphs = descriptor.ports.filter((port) => port.type === "control" && port.hint === "graph_editor");
  lacks("graph editor", idsOf(graphs), ["bj_graph_get", "bj_graph_set"]);
  return notes;
}
