import { test } from "uvu";
import { ATTACKS } from "./crossing.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
