import { test } from "uvu";
import { ATTACKS } from "./traps.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
