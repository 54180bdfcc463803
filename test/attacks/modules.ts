// Modules that are more than a plugin may be.

import { smallPlugin } from "../sandbox/small-plugin.ts";
import type { Attack } from "./twin.ts";

export const ATTACKS: Attack[] = [
  {
    attack: "A module imports the sandbox's own clock and counter, to hand itself units",
    defence: {
      file: "runtime/sandbox/vet.ts",
      line: "if (expected === undefined) {",
      off: "if (expected === undefined) continue;\n{",
    },
    attempt: async ({ PluginType }) => {
      const imports = '(import "$" "tick" (func $tick (param i32) (result i32)))';
      await PluginType.load(
        smallPlugin({ imports, activate: "(drop (call $tick (i32.const 1)))(i32.const 1024)" }),
      );
      return "it was loaded, with $tick in its hands";
    },
    stopped: /^module\/import: The module imports "\$\.tick"; a plugin may import belljar\.host_log,/,
    reached: "it was loaded, with $tick in its hands",
  },
];
