// time limit: 300 s
// The checks of the group "descriptor", each with a plugin that does not pass it.

import { test } from "uvu";
import { testFixtures } from "./conformance.ts";

testFixtures("descriptor");

test.run();
