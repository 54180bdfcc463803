// What a command of `belljar` is. Each lives in a module of its own, which exports these four names.

/** A command module: `import * as inspect from "./inspect.ts"` is one. */
export interface Command {
  /** The word that calls it. */
  readonly name: string;
  /** One line for `belljar --help`, without a full stop. */
  readonly summary: string;
  /** What `belljar NAME --help` prints: usage, options, examples. */
  readonly help: string;
  /**
   * Does the work. Throws BelljarError for anything that the user can mend.
   * @param args what follows the command's name
   * @returns the exit code: 0 done, 1 a check failed, 2 bad input
   */
  run(args: string[]): Promise<number>;
}
