import { test } from "uvu";
import { skip } from "../root.ts";
import { ATTACKS } from "./files.ts";
import { testAttacks } from "./twin.ts";

if (process.platform === "linux") testAttacks(ATTACKS);
else test("files of strangers", () => skip("named pipes and /proc are tried on Linux alone"));
test.run();
