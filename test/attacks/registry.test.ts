import { test } from "uvu";
import { ATTACKS } from "./registry.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
