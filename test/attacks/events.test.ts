import { test } from "uvu";
import { ATTACKS } from "./events.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
