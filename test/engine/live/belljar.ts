// What rig.ts bundles: the live engine as a host sees it, so that one of its lines can be switched off.

export { LiveSession } from "../../../runtime/engine/live/live-session.ts";
export { memoryInUse } from "../../../runtime/sandbox/index.ts";
