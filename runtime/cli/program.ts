// What every program of the command line does around its work: Ctrl-C, readers that go away, and every way to fail turned
// into one sentence and an exit code.

import { BelljarError, printable } from "../../abi/error.ts";
import { explain } from "./explain.ts";
import { watchInterrupts } from "./interrupt.ts";

/** Says on stderr what went wrong, and returns the exit code for it. */
function complain(error: unknown): number {
  const { text, code } = explain(error, process.stderr, process.env["BELLJAR_DEBUG"] === "1");
  process.stderr.write(text);
  return code;
}

/** @param work gives the exit code */
export function runProgram(work: () => Promise<number>): void {
  // A reader that has gone away (`belljar inspect x | head -1`) is no error: the work goes on, its words are dropped.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") return;
      const where = stream === process.stdout ? "output" : "error";
      const why = printable(String(error.code), 20);
      throw new BelljarError("file/write", `What is printed can't be written to standard ${where} (${why}).`);
    });
  }
  const fatal = (error: unknown) => process.exit(complain(error));
  process.on("uncaughtException", fatal);
  process.on("unhandledRejection", fatal);
  watchInterrupts();
  work().then(
    (code) => {
      process.exitCode = code;
    },
    (error) => {
      process.exitCode = complain(error);
    },
  );
}
