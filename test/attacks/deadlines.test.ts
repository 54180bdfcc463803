import { test } from "uvu";
import { ATTACKS } from "./deadlines.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
