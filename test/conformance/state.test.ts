// time limit: 300 s
// The checks of the group "state", each with a plugin that does not pass it.

import { test } from "uvu";
import { testFixtures } from "./conformance.ts";

testFixtures("state");

test.run();
