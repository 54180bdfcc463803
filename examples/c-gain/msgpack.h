/* As much of a MessagePack writer as a descriptor needs. */
#ifndef MSGPACK_H
#define MSGPACK_H

#include <stdint.h>

static uint8_t packed[1024];
static uint32_t packed_len;

static void pack_byte(uint8_t byte) {
  if (packed_len < sizeof packed) packed[packed_len++] = byte;
}

/* A map of `keys` pairs follows: key, value, key, value, ... At most 15. */
static void pack_map(uint8_t keys) { pack_byte(0x80 | keys); }

/* An array of `items` values follows. At most 15. */
static void pack_array(uint8_t items) { pack_byte(0x90 | items); }

/* A string of at most 255 bytes, in UTF-8. */
static void pack_string(const char *text) {
  uint32_t len = 0;
  while (text[len]) len++;
  if (len < 32) {
    pack_byte(0xa0 | len);
  } else {
    pack_byte(0xd9);
    pack_byte(len);
  }
  for (uint32_t i = 0; i < len; i++) pack_byte(text[i]);
}

static void pack_number(float value) {
  union {
    float f;
    uint32_t bits;
  } as = {value};
  pack_byte(0xca);
  for (int shift = 24; shift >= 0; shift -= 8) pack_byte(as.bits >> shift);
}

static void pack_text(const char *key, const char *value) {
  pack_string(key);
  pack_string(value);
}

#endif
