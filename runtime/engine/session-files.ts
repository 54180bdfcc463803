// Files that a session proposes: they lie in the session's folder or below, and nowhere else.

import { realpath } from "node:fs/promises";
import path from "node:path";
import { BelljarError, printable } from "../../abi/error.ts";
import { namesDevice } from "../output/device-name.ts";

/**
 * The place of a file that a session names.
 * @param folder the session's own
 * @param proposal relative, with "/" between names, none of which begins with a dot
 * @param who names the part of the session, for errors
 * @throws BelljarError session/file
 */
export async function insideFolder(folder: string, proposal: string, who: string): Promise<string> {
  const shown = printable(proposal);
  const refuse = (what: string, hint = "A session's files lie in its folder or below."): never => {
    throw new BelljarError("session/file", `${who} names the file "${shown}", ${what}.`, hint);
  };
  if (
    proposal === "" ||
    proposal.includes("\0") ||
    proposal.split(/[\\/]/).some((name) => namesDevice(name))
  ) {
    refuse("which can't be a file's name");
  }
  if (/^[\\/]|^[a-z]:|^\w+:\/\//i.test(proposal) || path.isAbsolute(proposal))
    refuse("which is no relative path");
  if (proposal.split(/[\\/]/).includes("..")) refuse("which leads out of the session's folder");
  // A session that was saved to the home folder has keys and passwords below it.
  const hidden = (way: string): boolean => way.split(/[\\/]/).some((name) => /^\.(?!\.?$)/.test(name));
  if (hidden(proposal)) refuse("which is hidden", "Names that begin with a dot are not for sessions.");
  let home: string;
  let place: string;
  try {
    home = await realpath(folder);
    place = await realpath(path.join(home, proposal));
  } catch {
    return refuse("which is not there", `It was looked for in ${printable(folder)}.`);
  }
  const way = path.relative(home, place);
  if (way === ".." || way.startsWith(`..${path.sep}`) || path.isAbsolute(way)) {
    refuse("which is a link that leads out of the session's folder");
  }
  if (hidden(way)) refuse("which is a link to something hidden");
  return place;
}
