import { test } from "uvu";
import { ATTACKS } from "./memory.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
