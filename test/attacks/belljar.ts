// What an attack is carried out against: the runtime, and the parts below its public face that a host may use.

export * from "../../runtime/index.ts";
export { printable } from "../../abi/error.ts";
export { prepareSession } from "../../runtime/engine/prepare.ts";
export { parseSession } from "../../runtime/engine/session.ts";
export { readRegularFile } from "../../runtime/registry/read-file.ts";
export { rewriteModule } from "../../runtime/sandbox/rewrite.ts";
export { vetModule } from "../../runtime/sandbox/vet.ts";
