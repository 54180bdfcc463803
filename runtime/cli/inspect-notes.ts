// What is allowed, and yet is hardly what a plugin's author meant.

import type { PluginDescriptor } from "../../abi/descriptor.ts";
import { listed, printable } from "../../abi/error.ts";
import { nearest } from "../graph/nearest.ts";
import type { ModuleFacts } from "../sandbox/index.ts";
import { CONTRACT } from "../sandbox/vet.ts";

/** Of what a module can have thousands, so many are named. */
const SHOWN = 20;

/** Sentences, safe to print. */
export function notesOn({ exports }: ModuleFacts, descriptor: PluginDescriptor): string[] {
  const notes: string[] = [];
  const known = [...CONTRACT.keys()].filter((name) => !exports.includes(name));
  const strays = exports.filter((name) => name.startsWith("bj_") && !CONTRACT.has(name));
  for (const name of strays.slice(0, SHOWN)) {
    const near = nearest(name, known);
    const meant = near === null ? "." : `; is it meant to be ${near}?`;
    notes.push(`It exports ${printable(name, 80)}, which no host calls${meant}`);
  }
  if (strays.length > SHOWN) notes.push(`It exports ${strays.length - SHOWN} more that no host calls.`);
  const lacks = (what: string, ids: readonly string[], needed: readonly string[]) => {
    const missing = needed.filter((name) => !exports.includes(name));
    if (ids.length === 0 || missing.length === 0) return;
    const several = ids.length === 1 ? what : `${what}s`;
    const all = listed(ids.map((id) => `"${printable(id, 60)}"`));
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
