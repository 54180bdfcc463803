// time limit: 300 s
import { test } from "uvu";
import { ATTACKS } from "./compile.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
