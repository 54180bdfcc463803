// What a plugin that was built with checks does where a check fails: it says what, and the compiler's next instruction
// stops it, in the function that failed.

import { LogLevel } from "../abi/layout";
import { log } from "./host";

/** Called by the compiler's own checks, by `throw` and by a failed `assert`. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? "gave up" : message;
  const isAuthors = file !== null && !file.startsWith("~lib/");
  log(isAuthors ? `${file!}:${line}:${column}: ${what}` : what, LogLevel.Error);
}
