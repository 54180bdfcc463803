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

/** Control, bidirectional and invisible characters (letters that fill a place, tags), and halves of surrogate pairs. */
export const UNSHOWABLE: RegExp =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|\u034f|\u17b4|\u17b5|\ud834[\udd73-\udd7a]|\udb40[\udc00-\udfff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text from a stranger, made safe for a terminal, a page or a log line: nothing unshowable in it, and of bounded length. */
export function printable(text: string, most = 200): string {
  const clean = text.replace(UNSHOWABLE, "\ufffd");
  if (clean.length <= most) return clean;
  // Not between the halves of a pair.
  const cut = /[\ud800-\udbff]/.test(clean.charAt(most - 1)) ? most - 1 : most;
  return `${clean.slice(0, cut)}…`;
}

/** Words for a sentence, each already safe to print: the first twenty, and how many more there are. */
export function listed(words: readonly string[], most = 20): string {
  const more = words.length - most;
  return more > 0 ? `${words.slice(0, most).join(", ")} and ${more} more` : words.join(", ");
}
