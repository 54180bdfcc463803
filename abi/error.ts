// The one error class of the project: a stable code, one sentence, and what to do about it.

/** What a user, or a program, is told when something can't be done. */
export class BelljarError extends Error {
  /** Stable and machine-readable: "area/what", such as "module/truncated". */
  readonly code: string;
  /** What to do about it, or empty. */
  readonly hint: string;

  /** @param message one sentence: what is wrong, where. Already safe to print. */
  constructor(code: string, message: string, hint = "") {
    super(message);
    this.name = "BelljarError";
    this.code = code;
    this.hint = hint;
  }
}

/** Text from a stranger, made safe for a terminal, a page or a log line: no control, bidi or zero-width characters, bounded length. */
export function printable(text: string, most = 200): string {
  const clean = text.replace(
    /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    "\ufffd",
  );
  return clean.length > most ? `${clean.slice(0, most)}…` : clean;
}
