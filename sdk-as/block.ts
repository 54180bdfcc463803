// Where the block stands: what all parts of the SDK know of the sub-block that is being rendered.

/** The sub-block that `process` is rendering. Frames are counted in the host's block. [audio] */
export class Block {
  /** First frame of the sub-block. */
  static start: i32 = 0;
  /** Frames of the host's whole block; 0 outside process. */
  static frames: i32 = 0;
  /** Grows by one with every sub-block; what changed carries the number of its sub-block. */
  static count: u32 = 0;
}
