import { test } from "uvu";
import { ATTACKS } from "./cpu.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
