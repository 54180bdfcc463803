// What a plugin author imports: `import { AudioPort, Param, Plugin } from "belljar/sdk-as"`.

export { EventType, Expression, LogLevel, ProcessState, Status } from "../abi/layout";
export { Block } from "./block";
export { Config, HostFile } from "./config";
export { Ack, ControlRequest, LibraryControl, PlayerControl, nextRequestId } from "./control";
export { Event } from "./event";
export { hostControl, hostEmitEvent, hostEmitText, hostPollEvent, log } from "./host";
export { HostEvent } from "./host-event";
export { Info, Preset } from "./info";
export { JsonReader, JsonToken } from "./json-reader";
export { JsonWriter } from "./json-writer";
export { Param } from "./param";
export { Plugin } from "./plugin";
export { AudioPort, ControlOut, EventPort, GraphPort, Port } from "./port";
export { Samples } from "./samples";
export { StateReader, StateWriter } from "./state";
export { Transport } from "./transport";
