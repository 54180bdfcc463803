// Names that Windows keeps for devices, in every folder and with any ending: opening one may wait, or do something.

const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)$/i;

/** Whether a path leads to a device by its last name. */
export function namesDevice(path: string, platform: string = process.platform): boolean {
  if (platform !== "win32") return false;
  const parts = path.replace(/[\\/]+$/, "").split(/[\\/]/);
  // A drive may stand before a name, and a stream's name behind it.
  const last = (parts.at(-1) as string).replace(/^[a-z]:/i, "");
  return DEVICE.test((/^[^.:]*/.exec(last) as RegExpExecArray)[0].trimEnd());
}
