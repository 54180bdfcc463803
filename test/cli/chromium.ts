// A real browser, spoken to through two pipes by its own protocol: no port, and no library.

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable, Writable } from "node:stream";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/** What it would do at its start for itself, on the network above all. */
const FLAGS = [
  "--headless=new",
  "--remote-debugging-pipe",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-default-apps",
  "--hide-scrollbars",
];

/** The browser's program, or null. */
export function findChromium(): string | null {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of NAMES) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // not there
      }
    }
  }
  return null;
}

interface Message {
  id?: number;
  sessionId?: string;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** One page of a browser. */
export class Page {
  /** Everything that it put on its console or reported as wrong. */
  readonly complaints: string[] = [];
  /** Addresses of everything that it asked for. */
  readonly requests: string[] = [];
  private readonly browser: ChildProcess;
  private readonly profile: string;
  private readonly waiting = new Map<number, (message: Message) => void>();
  private readonly heard = new Map<string, () => void>();
  private session = "";
  private last = 0;
  private buffered = "";

  static async open(program: string): Promise<Page> {
    const page = new Page(program);
    const { targetId } = await page.ask("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await page.ask("Target.attachToTarget", { targetId, flatten: true });
    page.session = String(sessionId);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.ask(`${domain}.enable`);
    return page;
  }

  private constructor(program: string) {
    this.profile = mkdtempSync(join(tmpdir(), "belljar-chromium-"));
    const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    this.browser = spawn(program, [...FLAGS, ...root, `--user-data-dir=${this.profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    (this.browser.stdio[4] as Readable).on("data", (text: Buffer) => this.take(text.toString()));
    this.browser.on("exit", () => {
      for (const done of this.waiting.values()) done({ error: { message: "the browser ended" } });
    });
    process.on("exit", () => {
      this.browser.kill("SIGKILL");
      rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
    });
  }

  /** Opens an address, and waits until all of it is there. */
  async go(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.heard.set("Page.loadEventFired", resolve));
    await this.ask("Page.navigate", { url });
    await loaded;
  }

  async resize(width: number, height: number): Promise<void> {
    await this.ask("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
  }

  async dark(): Promise<void> {
    await this.ask("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: "dark" }],
    });
  }

  /** What an expression gives in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.ask("Runtime.evaluate", {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`In the page: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: T }).value;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.browser.once("exit", resolve));
    this.browser.kill("SIGKILL");
    await ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  private ask(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.last;
    const message = { id, method, params, ...(this.session === "" ? {} : { sessionId: this.session }) };
    return new Promise((resolve, reject) => {
      this.waiting.set(id, ({ result, error }) =>
        error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result ?? {}),
      );
      (this.browser.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    });
  }

  /** Messages end with a zero. */
  private take(text: string): void {
    const parts = (this.buffered + text).split("\0");
    this.buffered = parts.pop() ?? "";
    for (const part of parts) this.hear(JSON.parse(part) as Message);
  }

  private hear({ id, method, params = {}, ...rest }: Message): void {
    if (id !== undefined) {
      this.waiting.get(id)?.(rest);
      this.waiting.delete(id);
    }
    if (method === "Network.requestWillBeSent") {
      this.requests.push((params["request"] as { url: string }).url);
    }
    if (method === "Runtime.consoleAPICalled" || method === "Runtime.exceptionThrown") {
      this.complaints.push(JSON.stringify(params));
    }
    if (method === "Log.entryAdded") this.complaints.push(JSON.stringify(params["entry"]));
    if (method !== undefined) this.heard.get(method)?.();
  }
}
