// Every way to fail, as what is written to stderr and an exit code.

import { BelljarError, printable } from "../../abi/error.ts";
import { painter, type Terminal } from "./table.ts";

export const EXIT_BAD_INPUT = 2;
export const EXIT_FAULT = 70;

/**
 * What a user is told of an error: one sentence, its code, a hint. An error that is not a BelljarError is a fault of
 * Belljar's own.
 * @param debug whether stack traces are wanted
 */
export function explain(error: unknown, stream: Terminal, debug: boolean): { text: string; code: number } {
  const paint = painter(stream);
  const name = paint("red", "belljar:");
  const stack = debug && error instanceof Error ? `${error.stack ?? ""}\n` : "";
  if (error instanceof BelljarError) {
    const hint = error.hint === "" ? "" : `${error.hint}\n`;
    const text = `${name} ${error.message} ${paint("dim", `[${error.code}]`)}\n${hint}${stack}`;
    return { text, code: EXIT_BAD_INPUT };
  }
  const message = printable(error instanceof Error ? error.message : String(error), 500);
  const more = debug ? stack : "Run it again with BELLJAR_DEBUG=1 to see where it happened.\n";
  return {
    text: `${name} This is a fault of Belljar, please report it: ${message}\n${more}`,
    code: EXIT_FAULT,
  };
}
