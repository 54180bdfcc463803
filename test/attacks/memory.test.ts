import { test } from "uvu";
import { skip } from "../root.ts";
import { ATTACKS, GROWN } from "./memory.ts";
import { testAttacks } from "./twin.ts";

// docs/security.md says so, too.
const kept = process.versions.node.startsWith("24.");
testAttacks(ATTACKS.filter(({ attack }) => !kept || attack !== GROWN));
if (kept) test(GROWN, () => skip("V8 of Node 24 keeps memory that has grown for a long time"));
test.run();
