// The functions that the host gives to a plugin: the whole import list, and this file's name is its module's.
// Everything else that a plugin calls is its own. host.ts wraps them; abi/README.md specifies them.

/** [any] */
export declare function host_log(level: i32, ptr: usize, len: i32): void;
/** [any] n > 0: bytes of JSON written; 0: nothing there; -n: needs n bytes. */
export declare function host_poll_event(ptr: usize, cap: i32): i32;
/** [any] a Status */
export declare function host_emit_event(ptr: usize, len: i32): i32;
/** [any] bytes of the acknowledgement's JSON written to `ack` */
export declare function host_control(ptr: usize, len: i32, ack: usize, cap: i32): i32;
/** [control] bytes copied; 0 at the end; negative a Status */
export declare function host_read(blob: i32, offset: i32, ptr: usize, len: i32): i32;
