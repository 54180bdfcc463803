// Names for people, made from names for machines.

/** "audio_out" -> "Audio Out". [control] */
export function titleOf(id: string): string {
  let title = "";
  let first = true;
  for (let i = 0; i < id.length; i++) {
    let c = id.charCodeAt(i);
    const gap = c == 0x5f || c == 0x2d || c == 0x2e; // _ - .
    if (gap) c = 0x20;
    else if (first && c >= 0x61 && c <= 0x7a) c -= 0x20;
    first = gap;
    title += String.fromCharCode(c);
  }
  return title;
}
