// What the figures were measured on: nothing that names its owner or the machine itself.

import { arch, cpus, platform } from "node:os";
import { printable } from "../../abi/error.ts";

export interface Machine {
  cpu: string;
  cores: number;
  system: string;
  node: string;
  v8: string;
}

export function machine(): Machine {
  const all = cpus();
  return {
    cpu: printable(all[0]?.model.trim() || "unknown", 80),
    cores: all.length,
    system: `${platform()} ${arch()}`,
    node: process.versions.node,
    v8: process.versions.v8,
  };
}

/** One line, for above a table. */
export function machineLine({ cpu, cores, system, node, v8 }: Machine): string {
  return `${cpu}, ${cores} ${cores === 1 ? "core" : "cores"}, ${system}, Node ${node} (V8 ${v8})`;
}
