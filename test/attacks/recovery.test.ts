import { test } from "uvu";
import { ATTACKS } from "./recovery.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
