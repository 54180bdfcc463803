/* A stereo gain in decibels: the smallest plugin that does it well. Changes are heard at their exact frame, and
   glide for 20 ms so that they do not click. */

#include "abi.h"
#include "msgpack.h"

/* The longest block that this plugin can take, and how many events in one. */
#define MAX_FRAMES 8192
#define MAX_EVENTS 512

#define CHANNELS 2
#define GLIDE_SECONDS 0.020
#define MIN_DECIBELS -60
#define MAX_DECIBELS 12

/* Ports by their place in the descriptor. */
enum { AUDIO_IN, AUDIO_OUT, GAIN, PORTS };

static float input[CHANNELS][MAX_FRAMES] BJ_ALIGNED;
static float output[CHANNELS][MAX_FRAMES] BJ_ALIGNED;
static float controls[1] BJ_ALIGNED;
static bj_event events[MAX_EVENTS] BJ_ALIGNED;
static uint8_t scratch[256] BJ_ALIGNED;
static bj_bytes answer;

static bj_audio audio[2] BJ_ALIGNED = {
    {input[0], CHANNELS, sizeof input[0], 0},
    {output[0], CHANNELS, sizeof output[0], 0},
};
static bj_layout layout BJ_ALIGNED = {
    .size = sizeof(bj_layout),
    .audio = audio,
    .audio_count = 2,
    .control_in = controls,
    .control_in_count = 1,
    .events_in = events,
    .events_in_capacity = MAX_EVENTS,
};

/* The glide: `level` moves by `step` a frame until `left` is 0, and is `target` then. */
static float decibels, level, target, step;
static uint32_t left, glide_frames;
static int started;

/* 10^(db / 20), as 2^whole * e^rest with the series of e^x; good to the last bit of a float. */
static float linear(double db) {
  double x = db * 0.16609640474436813; /* log2(10) / 20 */
  int whole = (int)(x < 0 ? x - 0.5 : x + 0.5);
  double rest = (x - whole) * 0.6931471805599453, term = 1, sum = 1;
  for (int i = 1; i < 12; i++) {
    term *= rest / i;
    sum += term;
  }
  for (; whole > 0; whole--) sum *= 2;
  for (; whole < 0; whole++) sum *= 0.5;
  return (float)sum;
}

static void set_gain(float db) {
  /* No host sends what is out of range, but the loops above must end whatever comes; NaN becomes the least. */
  if (!(db >= MIN_DECIBELS)) db = MIN_DECIBELS;
  if (db > MAX_DECIBELS) db = MAX_DECIBELS;
  if (db == decibels) return;
  decibels = db;
  target = linear(db);
  if (started) {
    left = glide_frames;
    step = (target - level) / (float)glide_frames;
  } else {
    left = 0;
    level = target;
  }
}

static void render(uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; i++) {
    if (left > 0) level = --left > 0 ? level + step : target;
    output[0][i] = input[0][i] * level;
    output[1][i] = input[1][i] * level;
  }
}

BJ_EXPORT(bj_abi) int32_t bj_abi(void) { return BJ_ABI_VERSION; }

BJ_EXPORT(bj_scratch) void *bj_scratch(uint32_t len) { return len <= sizeof scratch ? scratch : 0; }

BJ_EXPORT(bj_descriptor) const bj_bytes *bj_descriptor(void) {
  packed_len = 0;
  pack_map(7);
  pack_text("id", "example.c-gain");
  pack_text("display_name", "Gain in C");
  pack_text("category", "Effect");
  pack_text("doc", "Makes a stereo signal louder or softer.");
  pack_text("author", "Belljar contributors");
  pack_string("version");
  pack_byte(1);
  pack_string("ports");
  pack_array(PORTS);

  pack_map(4);
  pack_text("id", "audio_in");
  pack_text("display_name", "Audio In");
  pack_text("type", "audio_stereo");
  pack_text("role", "input");

  pack_map(4);
  pack_text("id", "audio_out");
  pack_text("display_name", "Audio Out");
  pack_text("type", "audio_stereo");
  pack_text("role", "output");

  pack_map(11);
  pack_text("id", "gain");
  pack_text("display_name", "Gain");
  pack_text("doc", "How much louder, in decibels.");
  pack_text("type", "control");
  pack_text("role", "input");
  pack_string("min");
  pack_number(MIN_DECIBELS);
  pack_string("max");
  pack_number(MAX_DECIBELS);
  pack_string("default");
  pack_number(0);
  pack_text("unit", "dB");
  pack_string("precision");
  pack_byte(1);
  pack_string("smoothing");
  pack_number(GLIDE_SECONDS * 1000);

  answer.ptr = packed;
  answer.len = packed_len;
  return &answer;
}

BJ_EXPORT(bj_activate) const bj_layout *bj_activate(double rate, uint32_t max_frames) {
  if (max_frames > MAX_FRAMES) return 0;
  glide_frames = (uint32_t)(rate * GLIDE_SECONDS) + 1;
  started = 0;
  decibels = 0;
  left = 0;
  level = target = 1;
  return &layout;
}

BJ_EXPORT(bj_error) const bj_bytes *bj_error(void) {
  static const char sentence[] = "Blocks can be at most 8192 frames long.";
  answer.ptr = sentence;
  answer.len = sizeof sentence - 1;
  return &answer;
}

BJ_EXPORT(bj_reset) void bj_reset(void) {
  level = target;
  left = 0;
}

BJ_EXPORT(bj_process) int32_t bj_process(uint32_t frames, uint32_t event_count) {
  set_gain(controls[0]);
  uint32_t done = 0;
  for (uint32_t i = 0; i < event_count; i++) {
    if (events[i].type != BJ_EVENT_PARAM || events[i].port != GAIN) continue;
    render(done, events[i].frame);
    done = events[i].frame;
    started = started || done > 0;
    set_gain((float)events[i].value);
  }
  render(done, frames);
  started = 1;
  if (audio[AUDIO_IN].flags & BJ_AUDIO_INPUT_SILENT) {
    audio[AUDIO_OUT].flags |= BJ_AUDIO_OUTPUT_SILENT;
  } else {
    audio[AUDIO_OUT].flags &= ~BJ_AUDIO_OUTPUT_SILENT;
  }
  return BJ_RESULT(BJ_QUIET_OK, 0);
}
