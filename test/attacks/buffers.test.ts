import { test } from "uvu";
import { ATTACKS } from "./buffers.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
