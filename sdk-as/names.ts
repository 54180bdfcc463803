// Names for people, made from names for machines.

/** "audio_out" -> "Audio Out". [control] */
export function titleOf(id: string): string {
  let title = "";
  let first = true;
  for (let i = 0; i < id.length; i++) {
    const c = id.charAt(i);
    if (c == "_" || c == "-" || c == ".") {
      title += " ";
      first = true;
    } else {
      title += first ? c.toUpperCase() : c;
      first = false;
    }
  }
  return title;
}
