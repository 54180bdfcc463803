import { test } from "uvu";
import { ATTACKS } from "./files.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
