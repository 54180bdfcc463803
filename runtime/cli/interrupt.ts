// Ctrl-C: ends the program with 130, unless a command knows something better to do first.

const EXIT_INTERRUPTED = 130;

let handler: (() => void) | null = null;

/** From now on what `act` does follows Ctrl-C and SIGTERM, instead of the end; null: the end again. */
export function onInterrupt(act: (() => void) | null): void {
  handler = act;
}

/** For the program's beginning. */
export function watchInterrupts(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (handler === null) process.exit(EXIT_INTERRUPTED);
      handler();
    });
  }
}
