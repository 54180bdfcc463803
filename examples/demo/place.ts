// Where the demo's files are, and what both of its ways to play have in common.

import { join } from "node:path";
import type { Session, SessionNode } from "../../runtime/index.ts";

export const root: string = process.env["BELLJAR_ROOT"] ?? process.cwd();
export const folder: string = join(root, "examples", "demo");
export const out: string = join(folder, "out");

/** The plugins that come as files. */
export function hostileOf(session: Session): SessionNode[] {
  return session.nodes.filter((node) => node.type.endsWith(".wasm"));
}

export const NEXT = `Next      npx belljar new my-plugin --template effect   makes a plugin of your own
          npx belljar inspect sine                      shows what one says of itself
          npx belljar --help                            has the rest`;
