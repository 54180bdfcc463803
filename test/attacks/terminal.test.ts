import { test } from "uvu";
import { ATTACKS } from "./terminal.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
