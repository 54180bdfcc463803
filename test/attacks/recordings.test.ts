import { test } from "uvu";
import { ATTACKS } from "./recordings.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
