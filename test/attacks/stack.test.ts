import { test } from "uvu";
import { ATTACKS } from "./stack.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
