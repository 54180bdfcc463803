/* A PortAudio library whose cards take sound in time, and which fails as FAKE_FAULT says: once, where the file FAKE_ONCE is
 * not there yet; "abort-list", "hang-list" and "odd" always. Its cards are what the file FAKE_CARDS says at each moment, the
 * default one first: a line each, "RATE NAME". The functions and structures are those of PortAudio's documented interface. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST 8

typedef struct { int version; const char *name; int api, in, out; double li, lo, hi, ho, rate; } Device;
typedef struct { int version, type; const char *name; int devices, input, output; } Api;
typedef struct { int version; double input, output, rate; } Info;
typedef struct { int device, channels; unsigned long format; double latency; void *special; } Parameters;

static Device devices[MOST] = { { 2, "Fake card", 0, 0, 2, 0, 0.02, 0, 0.1, 48000 } };
static char names[MOST][64];
static int count = 1;
static Api api = { 1, 3, "ASIO", 1, -1, 0 };
static Info info = { 1, 0, 0.02, 48000 };
static const char *playing = "";
static int writes;

static int always(const char *name) {
  const char *wanted = getenv("FAKE_FAULT");
  return wanted != NULL && strcmp(wanted, name) == 0;
}

/* Whether the fault of this name is to happen now. */
static int fault(const char *name) {
  if (!always(name)) return 0;
  int once = open(getenv("FAKE_ONCE"), O_CREAT | O_EXCL, 0600);
  if (once < 0) return 0;
  close(once);
  return 1;
}

static void nap(double seconds) {
  struct timespec time = { (time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9) };
  nanosleep(&time, NULL);
}

static void hang(void) { for (;;) nap(3600); }

/* The cards as they are now; their number, or -1: it is not said. */
static int look(double rates[MOST], char found[MOST][64]) {
  const char *path = getenv("FAKE_CARDS");
  FILE *file = path == NULL ? NULL : fopen(path, "r");
  if (file == NULL) return -1;
  int n = 0;
  while (n < MOST && fscanf(file, "%lf %63[^\n]", &rates[n], found[n]) == 2) n++;
  fclose(file);
  return n;
}

/* The rate of the card that plays; 0: it has gone, -1: nothing is said of it. */
static double rateNow(void) {
  double rates[MOST];
  char found[MOST][64];
  int n = look(rates, found);
  if (n < 0) return -1;
  for (int i = 0; i < n; i++) if (strcmp(found[i], playing) == 0) return rates[i];
  return 0;
}

int Pa_Initialize(void) {
  if (always("abort-list")) { fprintf(stderr, "the sound system is broken\n"); abort(); }
  if (always("hang-list")) hang();
  if (always("odd")) { devices[0].lo = -1; devices[0].ho = 1e9; devices[0].rate = 0.0 / 0.0; }
  double rates[MOST];
  int n = look(rates, names);
  if (n >= 0) {
    count = n;
    for (int i = 0; i < n; i++) devices[i] = (Device){ 2, names[i], 0, 0, 2, 0, 0.02, 0, 0.1, rates[i] };
    /* A sound server's interface, which another process may look at while this one plays. */
    api = (Api){ 1, 8, "ALSA", n, -1, n > 0 ? 0 : -1 };
  }
  return 0;
}
int Pa_Terminate(void) { return 0; }
const char *Pa_GetErrorText(int code) { return code == -9987 ? "Wait timed out" : "Unanticipated host error"; }
const char *Pa_GetVersionText(void) { return "PortAudio V19 (fake)"; }
int Pa_GetHostApiCount(void) { return 1; }
const Api *Pa_GetHostApiInfo(int i) { return i == 0 ? &api : NULL; }
int Pa_GetDeviceCount(void) { return count; }
const Device *Pa_GetDeviceInfo(int i) { return i >= 0 && i < count ? &devices[i] : NULL; }
int Pa_GetDefaultOutputDevice(void) { return count > 0 ? 0 : -1; }
int Pa_IsFormatSupported(const void *in, const Parameters *out, double rate) {
  return rate == devices[out->device].rate || always("odd") ? 0 : -9997;
}
int Pa_OpenStream(void **stream, const void *in, const Parameters *out, double rate, unsigned long frames,
                  unsigned long flags, void *callback, void *user) {
  if (fault("hang-open")) hang();
  playing = devices[out->device].name;
  info.rate = rate;
  if (rateNow() == 0) return -9985;
  *stream = (void *)&info;
  return 0;
}
int Pa_StartStream(void *stream) { return 0; }
int Pa_StopStream(void *stream) { return 0; }
int Pa_AbortStream(void *stream) { return 0; }
int Pa_CloseStream(void *stream) { return 0; }
long Pa_GetStreamWriteAvailable(void *stream) { return 960; }
int Pa_WriteStream(void *stream, const void *samples, unsigned long frames) {
  writes++;
  if (writes > 20) {
    if (fault("hang")) hang();
    if (fault("crash")) abort();
    if (fault("lost")) return -9999;
  }
  if (writes % 8 == 0 && rateNow() == 0) return -9999;
  if (writes > 20 && writes < 23 && always("slow")) return -9987;
  nap(frames / info.rate);
  return 0;
}
const Info *Pa_GetStreamInfo(void *stream) {
  double now = rateNow();
  if (now > 0) info.rate = now;
  return &info;
}
