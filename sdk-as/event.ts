// One timed event, as a view on its 32 bytes.

/**
 * An event as the host wrote it, or as the plugin writes it. The fields are abi/layout.ts's EVENT_*. A view:
 * valid only during the call that it is given to. [audio]
 */
@unmanaged
export class Event {
  /** Frame in the host's block. Handlers run at the sub-block that begins with it. */
  frame!: u32;
  /** One of EventType. */
  type!: u16;
  /** Descriptor index of the port that it came by. */
  port!: u16;
  /** Names one sounding note; -1: any, or unnamed. */
  noteId!: i32;
  /** 0 to 15, or -1: any. */
  channel!: i16;
  /** 0 to 127, or -1: any. */
  key!: i16;
  /** Controller number, Expression, bank: what `type` says. */
  id!: u32;
  /** Offset of longer data in the arena. */
  arena!: u32;
  /** Velocity 0 to 1, bend -1 to 1, a parameter's plain value, a program number: what `type` says. */
  value!: f64;
}
