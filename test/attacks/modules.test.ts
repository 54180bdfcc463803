import { test } from "uvu";
import { ATTACKS } from "./modules.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
