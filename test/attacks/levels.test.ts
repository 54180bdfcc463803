import { test } from "uvu";
import { ATTACKS } from "./levels.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
