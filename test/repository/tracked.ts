// The repository's own files, as its tests look at them.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../root.ts";

/** Files that are in version control or about to be, as paths from the root with "/"; null where there is no git. */
export function trackedFiles(): string[] | null {
  try {
    const flags = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    const said = execFileSync("git", flags, {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const files = said.split("\0").filter((file) => file !== "");
    return files.length > 0 ? files : null;
  } catch {
    return null;
  }
}

/** A file's text; null for a binary file, or one that was removed and is still in the index. */
export function textOf(file: string): string | null {
  try {
    const bytes = readFileSync(join(root, file));
    return bytes.includes(0) ? null : bytes.toString("utf8");
  } catch {
    return null;
  }
}
