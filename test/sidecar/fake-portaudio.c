/* A PortAudio library with one device that takes sound in time, and fails as FAKE_FAULT says: once, where the file FAKE_ONCE
 * is not there yet. The functions and structures are those of PortAudio's documented interface. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct { int version; const char *name; int api, in, out; double li, lo, hi, ho, rate; } Device;
typedef struct { int version, type; const char *name; int devices, input, output; } Api;
typedef struct { int version; double input, output, rate; } Info;

static const Device device = { 2, "Fake card", 0, 0, 2, 0, 0.02, 0, 0.1, 48000 };
static const Api api = { 1, 3, "ASIO", 1, -1, 0 };
static const Info info = { 1, 0, 0.02, 48000 };
static int writes;

/* Whether the fault of this name is to happen now. */
static int fault(const char *name) {
  const char *wanted = getenv("FAKE_FAULT");
  if (wanted == NULL || strcmp(wanted, name) != 0) return 0;
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

int Pa_Initialize(void) { return 0; }
int Pa_Terminate(void) { return 0; }
const char *Pa_GetErrorText(int code) { return code == -9987 ? "Wait timed out" : "Unanticipated host error"; }
const char *Pa_GetVersionText(void) { return "PortAudio V19 (fake)"; }
int Pa_GetHostApiCount(void) { return 1; }
const Api *Pa_GetHostApiInfo(int i) { return i == 0 ? &api : NULL; }
int Pa_GetDeviceCount(void) { return 1; }
const Device *Pa_GetDeviceInfo(int i) { return i == 0 ? &device : NULL; }
int Pa_GetDefaultOutputDevice(void) { return 0; }
int Pa_IsFormatSupported(const void *in, const void *out, double rate) { return rate == 48000 ? 0 : -9997; }
int Pa_OpenStream(void **stream, const void *in, const void *out, double rate, unsigned long frames,
                  unsigned long flags, void *callback, void *user) {
  if (fault("hang-open")) hang();
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
  if (writes > 20 && writes < 23 && getenv("FAKE_FAULT") != NULL && strcmp(getenv("FAKE_FAULT"), "slow") == 0) return -9987;
  nap(frames / 48000.0);
  return 0;
}
const Info *Pa_GetStreamInfo(void *stream) { return &info; }
