import { test } from "uvu";
import { ATTACKS } from "./floods.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
