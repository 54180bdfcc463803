// The demo's session without its hostile plugins.

import type { Session } from "belljar";

/** The same session without the plugins that come as files, and without their wires. */
export function trusted(session: Session): Session {
  const nodes = session.nodes.filter((node) => !node.type.endsWith(".wasm"));
  const ids = new Set(nodes.map((node) => node.id));
  return { ...session, nodes, wires: session.wires.filter((wire) => ids.has(wire.from) && ids.has(wire.to)) };
}
