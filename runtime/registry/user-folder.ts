// The user's cache folder for what Belljar can find out again.

import { homedir } from "node:os";
import { join } from "node:path";

/** Its path; BELLJAR_CACHE decides where that is set. The folder may not exist yet. */
export function cacheFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (env["BELLJAR_CACHE"]) return env["BELLJAR_CACHE"];
  if (platform === "win32")
    return join(env["LOCALAPPDATA"] || join(home, "AppData", "Local"), "belljar", "cache");
  if (platform === "darwin") return join(home, "Library", "Caches", "belljar");
  return join(env["XDG_CACHE_HOME"] || join(home, ".cache"), "belljar");
}
