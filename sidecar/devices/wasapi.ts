// What PortAudio is told of WASAPI beside the rest: PaWasapiStreamInfo, version 1 (pa_win_wasapi.h).

/** PaHostApiTypeId. */
export const WASAPI = 13;

const VERSION = 1;
const EXCLUSIVE = 1;
// A library takes it in the size that it knows alone: since 19.7.0 its end is a PaWasapiStreamPassthrough.
const SIZES = [72, 56];

/** A device to one stream alone; one for each size. */
export const WASAPI_EXCLUSIVE: readonly Uint8Array[] = SIZES.map((size) => {
  const info = new Uint8Array(size);
  const view = new DataView(info.buffer);
  [size, WASAPI, VERSION, EXCLUSIVE].forEach((word, i) => view.setUint32(i * 4, word, true));
  return info;
});
