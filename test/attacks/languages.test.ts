import { spawnSync } from "node:child_process";
import { test } from "uvu";
import { skip } from "../root.ts";
import { ATTACKS } from "./languages.ts";
import { testAttacks } from "./twin.ts";

if (spawnSync("clang", ["--version"]).status === 0) testAttacks(ATTACKS);
else test("plugins in C and AssemblyScript", () => skip("clang is not installed"));
test.run();
