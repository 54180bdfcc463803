// What an attack is carried out against: the runtime, and the parts below its public face that a host may use.

export * from "../../runtime/index.ts";
export { printable } from "../../abi/error.ts";
export { explain } from "../../runtime/cli/explain.ts";
export { notesOn } from "../../runtime/cli/inspect-notes.ts";
export { run as inspect } from "../../runtime/cli/inspect.ts";
export { LogLines } from "../../runtime/cli/log.ts";
export { PluginNode } from "../../runtime/engine/plugin-node.ts";
export { prepareSession } from "../../runtime/engine/prepare.ts";
export { ByteLog } from "../../runtime/engine/recording-bytes.ts";
export { Entry } from "../../runtime/engine/recording-calls.ts";
export { writeRecording } from "../../runtime/engine/recording.ts";
export { Recovery } from "../../runtime/engine/recovery.ts";
export { insideFolder } from "../../runtime/engine/session-files.ts";
export { parseSession } from "../../runtime/engine/session.ts";
export { TransportClock } from "../../runtime/engine/transport.ts";
export * as graph from "../../runtime/graph/index.ts";
export { isFileName } from "../../runtime/registry/builtins.ts";
export { readRegularFile } from "../../runtime/registry/read-file.ts";
export { isKnown, remember, verdictKey } from "../../runtime/registry/verdicts.ts";
export { memoryInUse } from "../../runtime/sandbox/memories.ts";
export { rewriteModule } from "../../runtime/sandbox/rewrite.ts";
export { vetModule } from "../../runtime/sandbox/vet.ts";
export { junit } from "../../runtime/validate/junit.ts";
