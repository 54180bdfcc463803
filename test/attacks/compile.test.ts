import { test } from "uvu";
import { ATTACKS } from "./compile.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
