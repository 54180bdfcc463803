/* An ALSA library with a sequencer and nothing else, as far as RtMidi asks for it. Its inputs are the lines of
 * $FAKE_MIDI/ports ("20 Keys" is client 20), read each time that somebody asks; what is written into the pipe
 * $FAKE_MIDI/20 comes from client 20, each message as one write, with the time at which it is read. That there is a
 * /dev/snd/seq is answered here as well. The functions are those of ALSA's documented interface. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST 16
typedef struct { unsigned int tv_sec, tv_nsec; } Time;
typedef struct { unsigned char client, port; } Address;
/* The beginning of snd_seq_event_t; the message lies in its data. */
typedef struct {
  unsigned char type, flags, tag, queue;
  union { unsigned int tick; Time time; } time;
  Address source, dest;
  unsigned char data[12];
  int length;
} Event;
typedef struct { int pipe; struct timespec start; Event event; int pending; } Sequencer;
typedef struct { int client, port; char name[80]; } Info;
typedef struct { Address sender, dest; } Subscription;

static const char *path(const char *name) {
  static __thread char text[512];
  snprintf(text, sizeof text, "%s/%s", getenv("FAKE_MIDI"), name);
  return text;
}

/* The client after this one, or -1. */
static int next_client(int after, char *name) {
  FILE *file = fopen(path("ports"), "r");
  int found = -1, client;
  char text[80];
  while (file != NULL && fscanf(file, "%d %79[^\n]", &client, text) == 2) {
    if (client <= after || (found >= 0 && client >= found)) continue;
    found = client;
    if (name != NULL) strcpy(name, text);
  }
  if (file != NULL) fclose(file);
  return found;
}

/* libuv's uv_fs_access. */
int access(const char *name, int mode) {
  static int (*real)(const char *, int);
  if (strcmp(name, "/dev/snd/seq") == 0) return 0;
  if (real == NULL) real = dlsym(RTLD_NEXT, "access");
  return real(name, mode);
}

int snd_seq_open(Sequencer **seq, const char *name, int streams, int mode) {
  if (access(path("broken"), F_OK) == 0) return -ENOENT;
  *seq = calloc(1, sizeof **seq);
  (*seq)->pipe = -1;
  return 0;
}
int snd_seq_close(Sequencer *seq) {
  if (seq->pipe >= 0) close(seq->pipe);
  free(seq);
  return 0;
}
int snd_seq_set_client_name(Sequencer *seq, const char *name) { return 0; }
int snd_seq_client_id(Sequencer *seq) { return 128; }

size_t snd_seq_client_info_sizeof(void) { return sizeof(Info); }
void snd_seq_client_info_set_client(Info *info, int client) { info->client = client; }
int snd_seq_client_info_get_client(const Info *info) { return info->client; }
const char *snd_seq_client_info_get_name(const Info *info) { return info->name; }
int snd_seq_query_next_client(Sequencer *seq, Info *info) {
  int next = next_client(info->client, NULL);
  if (next < 0) return -ENOENT;
  info->client = next;
  return 0;
}
int snd_seq_get_any_client_info(Sequencer *seq, int client, Info *info) {
  info->client = client;
  return next_client(client - 1, info->name) == client ? 0 : -ENOENT;
}

size_t snd_seq_port_info_sizeof(void) { return sizeof(Info); }
void snd_seq_port_info_set_client(Info *info, int client) { info->client = client; }
void snd_seq_port_info_set_port(Info *info, int port) { info->port = port; }
int snd_seq_port_info_get_client(const Info *info) { return info->client; }
int snd_seq_port_info_get_port(const Info *info) { return info->port; }
/* A port of MIDI's usual kind that can be read from. */
unsigned int snd_seq_port_info_get_type(const Info *info) { return 1 << 1; }
unsigned int snd_seq_port_info_get_capability(const Info *info) { return 1 << 0 | 1 << 5; }
const char *snd_seq_port_info_get_name(const Info *info) { return "MIDI 1"; }
int snd_seq_query_next_port(Sequencer *seq, Info *info) { return ++info->port == 0 ? 0 : -ENOENT; }
int snd_seq_get_port_info(Sequencer *seq, int port, Info *info) { return 0; }
int snd_seq_set_port_info(Sequencer *seq, int port, Info *info) { return 0; }
int snd_seq_create_port(Sequencer *seq, Info *info) { info->port = 0; return 0; }
int snd_seq_create_simple_port(Sequencer *seq, const char *name, unsigned int caps, unsigned int type) { return 0; }
int snd_seq_delete_port(Sequencer *seq, int port) { return 0; }
void snd_seq_port_info_set_capability(Info *info, unsigned int capability) {}
void snd_seq_port_info_set_midi_channels(Info *info, int channels) {}
void snd_seq_port_info_set_name(Info *info, const char *name) {}
void snd_seq_port_info_set_timestamp_queue(Info *info, int queue) {}
void snd_seq_port_info_set_timestamp_real(Info *info, int real) {}
void snd_seq_port_info_set_timestamping(Info *info, int enable) {}
void snd_seq_port_info_set_type(Info *info, unsigned int type) {}

int snd_seq_alloc_named_queue(Sequencer *seq, const char *name) { return 0; }
int snd_seq_free_queue(Sequencer *seq, int queue) { return 0; }
size_t snd_seq_queue_tempo_sizeof(void) { return 64; }
void snd_seq_queue_tempo_set_tempo(void *info, unsigned int tempo) {}
void snd_seq_queue_tempo_set_ppq(void *info, int ppq) {}
int snd_seq_set_queue_tempo(Sequencer *seq, int queue, void *tempo) { return 0; }
int snd_seq_drain_output(Sequencer *seq) { return 0; }
int snd_seq_control_queue(Sequencer *seq, int queue, int type, int value, Event *event) { return 0; }
int snd_seq_event_output(Sequencer *seq, Event *event) { return 0; }

int snd_seq_port_subscribe_malloc(Subscription **to) { *to = calloc(1, sizeof **to); return 0; }
void snd_seq_port_subscribe_free(Subscription *to) { free(to); }
void snd_seq_port_subscribe_set_sender(Subscription *to, const Address *sender) { to->sender = *sender; }
void snd_seq_port_subscribe_set_dest(Subscription *to, const Address *dest) { to->dest = *dest; }
void snd_seq_port_subscribe_set_time_real(Subscription *to, int real) {}
void snd_seq_port_subscribe_set_time_update(Subscription *to, int update) {}
int snd_seq_subscribe_port(Sequencer *seq, Subscription *to) {
  char name[8];
  snprintf(name, sizeof name, "%d", to->sender.client);
  /* To write as well: the pipe has no end while nobody writes. */
  seq->pipe = open(path(name), O_RDWR | O_NONBLOCK);
  clock_gettime(CLOCK_MONOTONIC, &seq->start);
  return seq->pipe < 0 ? -errno : 0;
}
int snd_seq_unsubscribe_port(Sequencer *seq, Subscription *to) { return 0; }

int snd_seq_poll_descriptors_count(Sequencer *seq, short events) { return 1; }
int snd_seq_poll_descriptors(Sequencer *seq, struct pollfd *list, unsigned int space, short events) {
  list->fd = seq->pipe;
  list->events = POLLIN;
  return 1;
}
/* A message: how many bytes, and the bytes. */
int snd_seq_event_input_pending(Sequencer *seq, int fetch) {
  unsigned char length;
  Event *event = &seq->event;
  if (seq->pending) return 1;
  if (read(seq->pipe, &length, 1) != 1) return 0;
  if (length > sizeof event->data || read(seq->pipe, event->data, length) != length) abort();
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long nanoseconds = now.tv_nsec - seq->start.tv_nsec;
  event->time.time.tv_sec = (unsigned int)(now.tv_sec - seq->start.tv_sec - (nanoseconds < 0));
  event->time.time.tv_nsec = (unsigned int)(nanoseconds < 0 ? nanoseconds + 1000000000 : nanoseconds);
  /* SND_SEQ_EVENT_NOTEON: a type that is decoded always. */
  event->type = 6;
  event->length = length;
  return seq->pending = 1;
}
int snd_seq_event_input(Sequencer *seq, Event **event) {
  if (!seq->pending) return -EAGAIN;
  seq->pending = 0;
  *event = &seq->event;
  return 1;
}
int snd_seq_free_event(Event *event) { return 0; }

int snd_midi_event_new(size_t bytes, void **coder) { *coder = calloc(1, 1); return 0; }
void snd_midi_event_free(void *coder) { free(coder); }
void snd_midi_event_init(void *coder) {}
void snd_midi_event_no_status(void *coder, int on) {}
int snd_midi_event_resize_buffer(void *coder, size_t bytes) { return 0; }
long snd_midi_event_encode(void *coder, const unsigned char *bytes, long count, Event *event) { return 0; }
long snd_midi_event_decode(void *coder, unsigned char *bytes, long count, const Event *event) {
  memcpy(bytes, event->data, (size_t)event->length);
  return event->length;
}
