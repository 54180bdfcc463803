// time limit: 300 s
import { test } from "uvu";
import { skip } from "../root.ts";
import { ATTACKS, ON_NODE_20, TOO_LONG } from "./compile.ts";
import { testAttacks } from "./twin.ts";
// How long a bomb takes is a matter of the compiler: these were measured with that of Node 20.
const timed = ATTACKS.filter(({ stopped, reached }) => stopped === TOO_LONG || reached === ON_NODE_20);
if (process.versions.node.startsWith("20.")) testAttacks(timed);
else test("bombs of Node 20's compiler", () => skip("this is not Node 20"));
testAttacks(ATTACKS.filter((one) => !timed.includes(one)));
test.run();
