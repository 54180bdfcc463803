/* The plugin contract for C: what ../../abi/layout.ts says, as structs and enums. ../../abi/README.md explains it.
   Little-endian, 32-bit pointers: build with --target=wasm32. */
#ifndef BELLJAR_ABI_H
#define BELLJAR_ABI_H

#include <stddef.h>
#include <stdint.h>

#define BJ_ABI_VERSION 0x00010000
#define BJ_ALIGNMENT 16
#define BJ_ALIGNED __attribute__((aligned(BJ_ALIGNMENT)))
#define BJ_EXPORT(name) __attribute__((export_name(#name)))
#define BJ_IMPORT(name) __attribute__((import_module("belljar"), import_name(#name)))

enum bj_status {
  BJ_OK = 0,
  BJ_FAILED = -1,
  BJ_UNSUPPORTED = -2,
  BJ_INVALID = -3,
  BJ_NO_MEMORY = -4,
  BJ_BAD_STATE = -5,
  BJ_BUSY = -6,
  BJ_TOO_LARGE = -7
};

/* What bj_process returns: a state, and the number of events written to events_out. */
enum bj_process_state { BJ_CONTINUE = 0, BJ_TAIL = 1, BJ_QUIET_OK = 2, BJ_SLEEP = 3 };
#define BJ_RESULT_EVENTS_SHIFT 8
#define BJ_RESULT_EVENTS_MASK 0xffff
#define BJ_RESULT(state, events_out) ((state) | ((events_out) << BJ_RESULT_EVENTS_SHIFT))

enum bj_log_level { BJ_LOG_ERROR = 0, BJ_LOG_WARNING = 1, BJ_LOG_INFO = 2, BJ_LOG_DEBUG = 3 };

typedef struct {
  const void *ptr;
  uint32_t len;
} bj_bytes;
_Static_assert(offsetof(bj_bytes, ptr) == 0, "BYTES_PTR");
_Static_assert(offsetof(bj_bytes, len) == 4, "BYTES_LEN");
_Static_assert(sizeof(bj_bytes) == 8, "BYTES_SIZE");

enum bj_audio_flags { BJ_AUDIO_CONNECTED = 1, BJ_AUDIO_INPUT_SILENT = 2, BJ_AUDIO_OUTPUT_SILENT = 4 };

/* One per audio port, in descriptor order. Sample i of channel c is samples[c * stride / 4 + i]. */
typedef struct {
  float *ptr;
  uint32_t channels;
  uint32_t stride; /* bytes */
  uint32_t flags;
} bj_audio;
_Static_assert(offsetof(bj_audio, ptr) == 0, "AUDIO_PTR");
_Static_assert(offsetof(bj_audio, channels) == 4, "AUDIO_CHANNELS");
_Static_assert(offsetof(bj_audio, stride) == 8, "AUDIO_STRIDE");
_Static_assert(offsetof(bj_audio, flags) == 12, "AUDIO_FLAGS");
_Static_assert(sizeof(bj_audio) == 16, "AUDIO_BYTES");

enum bj_event_type {
  BJ_EVENT_NOTE_ON = 1,
  BJ_EVENT_NOTE_OFF = 2,
  BJ_EVENT_CHOKE = 3,
  BJ_EVENT_NOTE_END = 4,
  BJ_EVENT_EXPRESSION = 5,
  BJ_EVENT_PARAM = 6,
  BJ_EVENT_BEND = 7,
  BJ_EVENT_CONTROL_CHANGE = 8,
  BJ_EVENT_PROGRAM = 9,
  BJ_EVENT_PRESSURE = 10,
  BJ_EVENT_ALL_NOTES_OFF = 11,
  BJ_EVENT_MIDI1 = 12,
  BJ_EVENT_UMP = 13,
  BJ_EVENT_SYSEX = 14,
  BJ_EVENT_TRANSPORT = 15
};

/* `id` of an expression event. */
enum bj_expression {
  BJ_EXPRESSION_VOLUME = 0,
  BJ_EXPRESSION_PAN = 1,
  BJ_EXPRESSION_TUNING = 2,
  BJ_EXPRESSION_VIBRATO = 3,
  BJ_EXPRESSION_EXPRESSION = 4,
  BJ_EXPRESSION_BRIGHTNESS = 5,
  BJ_EXPRESSION_PRESSURE = 6
};

typedef struct {
  uint32_t frame;
  uint16_t type;
  uint16_t port;
  int32_t note_id;
  int16_t channel;
  int16_t key;
  uint32_t id;
  uint32_t arena;
  double value;
} bj_event;
_Static_assert(offsetof(bj_event, frame) == 0, "EVENT_FRAME");
_Static_assert(offsetof(bj_event, type) == 4, "EVENT_TYPE");
_Static_assert(offsetof(bj_event, port) == 6, "EVENT_PORT");
_Static_assert(offsetof(bj_event, note_id) == 8, "EVENT_NOTE_ID");
_Static_assert(offsetof(bj_event, channel) == 12, "EVENT_CHANNEL");
_Static_assert(offsetof(bj_event, key) == 14, "EVENT_KEY");
_Static_assert(offsetof(bj_event, id) == 16, "EVENT_ID");
_Static_assert(offsetof(bj_event, arena) == 20, "EVENT_ARENA");
_Static_assert(offsetof(bj_event, value) == 24, "EVENT_VALUE");
_Static_assert(sizeof(bj_event) == 32, "EVENT_BYTES");

enum bj_transport_flags {
  BJ_TRANSPORT_PLAYING = 1,
  BJ_TRANSPORT_LOOP = 2,
  BJ_TRANSPORT_RECORDING = 4,
  BJ_TRANSPORT_HAS_TEMPO = 8
};

typedef struct {
  uint32_t flags;
  uint16_t numerator;
  uint16_t denominator;
  double bpm;
  double beat;
  double bar_start;
  double seconds;
  double loop_start;
  double loop_end;
  uint32_t reserved[2];
} bj_transport;
_Static_assert(offsetof(bj_transport, flags) == 0, "TRANSPORT_FLAGS");
_Static_assert(offsetof(bj_transport, numerator) == 4, "TRANSPORT_NUMERATOR");
_Static_assert(offsetof(bj_transport, denominator) == 6, "TRANSPORT_DENOMINATOR");
_Static_assert(offsetof(bj_transport, bpm) == 8, "TRANSPORT_BPM");
_Static_assert(offsetof(bj_transport, beat) == 16, "TRANSPORT_BEAT");
_Static_assert(offsetof(bj_transport, bar_start) == 24, "TRANSPORT_BAR_START");
_Static_assert(offsetof(bj_transport, seconds) == 32, "TRANSPORT_SECONDS");
_Static_assert(offsetof(bj_transport, loop_start) == 40, "TRANSPORT_LOOP_START");
_Static_assert(offsetof(bj_transport, loop_end) == 48, "TRANSPORT_LOOP_END");
_Static_assert(sizeof(bj_transport) == 64, "TRANSPORT_BYTES");

#define BJ_TAIL_INFINITE 0xffffffffu

/* What bj_activate points to. A null pointer with the count 0 stands for what a plugin does not have. */
typedef struct {
  uint32_t size; /* sizeof(bj_layout) */
  bj_audio *audio;
  uint32_t audio_count;
  float *control_in;
  uint32_t control_in_count;
  float *control_out;
  uint32_t control_out_count;
  bj_event *events_in;
  uint32_t events_in_capacity;
  bj_event *events_out;
  uint32_t events_out_capacity;
  void *arena;
  uint32_t arena_bytes;
  bj_transport *transport;
  uint32_t latency;
  uint32_t tail;
} bj_layout;
_Static_assert(offsetof(bj_layout, size) == 0, "LAYOUT_SIZE");
_Static_assert(offsetof(bj_layout, audio) == 4, "LAYOUT_AUDIO");
_Static_assert(offsetof(bj_layout, audio_count) == 8, "LAYOUT_AUDIO_COUNT");
_Static_assert(offsetof(bj_layout, control_in) == 12, "LAYOUT_CONTROL_IN");
_Static_assert(offsetof(bj_layout, control_in_count) == 16, "LAYOUT_CONTROL_IN_COUNT");
_Static_assert(offsetof(bj_layout, control_out) == 20, "LAYOUT_CONTROL_OUT");
_Static_assert(offsetof(bj_layout, control_out_count) == 24, "LAYOUT_CONTROL_OUT_COUNT");
_Static_assert(offsetof(bj_layout, events_in) == 28, "LAYOUT_EVENTS_IN");
_Static_assert(offsetof(bj_layout, events_in_capacity) == 32, "LAYOUT_EVENTS_IN_CAPACITY");
_Static_assert(offsetof(bj_layout, events_out) == 36, "LAYOUT_EVENTS_OUT");
_Static_assert(offsetof(bj_layout, events_out_capacity) == 40, "LAYOUT_EVENTS_OUT_CAPACITY");
_Static_assert(offsetof(bj_layout, arena) == 44, "LAYOUT_ARENA");
_Static_assert(offsetof(bj_layout, arena_bytes) == 48, "LAYOUT_ARENA_BYTES");
_Static_assert(offsetof(bj_layout, transport) == 52, "LAYOUT_TRANSPORT");
_Static_assert(offsetof(bj_layout, latency) == 56, "LAYOUT_LATENCY");
_Static_assert(offsetof(bj_layout, tail) == 60, "LAYOUT_TAIL");
_Static_assert(sizeof(bj_layout) == 64, "LAYOUT_BYTES");

#define BJ_MESSAGE_RING_BYTES 262144
#define BJ_MESSAGE_MAX_BYTES 65536

/* The host's functions. A module imports only those that it calls. */
BJ_IMPORT(host_log) void host_log(int32_t level, const void *ptr, uint32_t len);
BJ_IMPORT(host_poll_event) int32_t host_poll_event(void *ptr, uint32_t capacity);
BJ_IMPORT(host_emit_event) int32_t host_emit_event(const void *ptr, uint32_t len);
BJ_IMPORT(host_control) int32_t host_control(const void *ptr, uint32_t len, void *ack, uint32_t capacity);
BJ_IMPORT(host_read) int32_t host_read(int32_t blob, uint32_t offset, void *ptr, uint32_t len);

#endif
