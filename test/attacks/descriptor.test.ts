import { test } from "uvu";
import { ATTACKS } from "./descriptor.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
