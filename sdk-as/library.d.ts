// Functions of AssemblyScript's own library that the editor's type check has no declaration of.

/** Frees every object that nothing points to. Not while one is held in a local alone. */
declare function __collect(): void;

declare module "util/number" {
  /** Writes a number as UTF-16 at `buffer`, 28 units at most. Returns how many units. */
  export function dtoa_buffered(buffer: usize, value: f64): u32;
}
