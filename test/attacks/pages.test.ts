import { test } from "uvu";
import { ATTACKS } from "./pages.ts";
import { testAttacks } from "./twin.ts";
testAttacks(ATTACKS);
test.run();
