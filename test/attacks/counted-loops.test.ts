import { test } from "uvu";
import { ATTACKS } from "./counted-loops.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
