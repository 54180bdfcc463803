// Runs one bundled test file in a child process, under its time limit.
import { execFileSync, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../root.mjs";

const CHILD = join(root, "scripts", "testing", "child.mjs");
const running = new Set();

/** Seconds that a test file may take: its own first line may say `// time limit: 300 s`. */
export function timeLimit(source, usual = 120) {
  const match = /^\/\/.*time limit: (\d+) s/.exec(readFileSync(source, "utf8"));
  return match === null ? usual : Number(match[1]);
}

/**
 * @param bundled the file to run
 * @param seconds its time limit
 * @returns { passed, failed, skipped: reasons, report: what to print of failures }
 */
export function runFile(bundled, seconds, env) {
  return new Promise((resolve) => {
    const posix = process.platform !== "win32";
    const child = fork(CHILD, [bundled], {
      cwd: root,
      env: { ...process.env, BELLJAR_ROOT: root, ...env },
      execArgv: ["--enable-source-maps"],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: posix,
    });
    running.add(child);
    let said = "";
    let outcome = null;
    let late = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        said = (said + text).slice(-20_000);
      });
    }
    child.on("message", (message) => {
      outcome = message;
    });
    const timer = setTimeout(() => {
      late = true;
      kill(child);
    }, seconds * 1000);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      if (posix) kill(child); // whatever the file started and left behind
      resolve(judge({ outcome, late, seconds, code, signal, said }));
    });
    // A left-behind grandchild may hold the pipes open after the test process itself ended.
    child.on("exit", () =>
      setTimeout(() => [child.stdout, child.stderr].map((s) => s.destroy()), 500).unref(),
    );
  });
}

function judge({ outcome, late, seconds, code, signal, said }) {
  if (late) return lost(`did not end within ${seconds} s`, said);
  if (outcome === null) {
    const how = signal
      ? `was ended by ${signal}`
      : code === 13
        ? "waits for something that never comes"
        : `ended early with code ${code}`;
    return lost(how, said);
  }
  const own = outcome.problems.filter((problem) => problem !== "");
  const failed = outcome.problems.length;
  const passed = Math.max(0, outcome.passed - (outcome.skipped.length - marked(outcome)));
  const report = [...own, outcome.errors ?? "", failed > 0 ? said : ""].filter((part) => part.trim() !== "");
  return { passed, failed, skipped: outcome.skipped, report: report.join("\n") };
}

/** Tests that uvu itself left out are not among those that passed; those that called skip() are. */
function marked(outcome) {
  return outcome.skipped.filter((reason) => reason === "marked with skip").length;
}

function lost(how, said) {
  return { passed: 0, failed: 1, skipped: [], report: `The file ${how}.\n${said}`.trimEnd() };
}

function kill(child) {
  try {
    if (process.platform === "win32")
      execFileSync("taskkill", ["/pid", String(child.pid), "/t", "/f"], { stdio: "ignore" });
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has gone already; or there is no taskkill that knows these words, as under wine.
    child.kill("SIGKILL");
  }
}

/** Ends all that runs. */
export function killAll() {
  for (const child of running) kill(child);
}
