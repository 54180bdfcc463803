// Modules in the text format, for tests: assembled by binaryen, with no optimisation.

import binaryen from "binaryen";

/** The binary form of a module's text. */
export function wat(text: string): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  try {
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}
