// A PulseAudio server of our own, with a sink that leads nowhere and can be recorded.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const SINK = "belljar_test";

export interface Pulse {
  /** For programs that are to find it. */
  env: NodeJS.ProcessEnv;
  readonly server: ChildProcess;
  /** Records the sink until `stop`. */
  record(): Promise<{ stop(): Promise<Float32Array> }>;
  /** Runs pactl. */
  control(...args: string[]): string;
  /** Starts the server again, once it has ended. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export function pulseIsHere(): boolean {
  const found = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;
  return found("pulseaudio") && found("parec") && found("pactl");
}

/** Why PortAudio can't be tested here, or null. */
export function portaudioIsMissing(): string | null {
  if (process.platform !== "linux") return "PortAudio is tested on Linux";
  const known = spawnSync("ldconfig", ["-p"], {
    encoding: "utf8",
    env: { PATH: "/sbin:/usr/sbin:/bin:/usr/bin" },
  }).stdout;
  return known?.includes("libportaudio.so.2") ? null : "libportaudio2 is not installed";
}

/** What is missing for PortAudio to be heard on PulseAudio here, or null. */
export function soundIsMissing(): string | null {
  const lacks = portaudioIsMissing();
  if (lacks !== null) return lacks;
  if (!pulseIsHere()) return "pulseaudio and pulseaudio-utils are not installed";
  const plugins = readdirSync("/usr/lib").map(
    (name) => `/usr/lib/${name}/alsa-lib/libasound_module_pcm_pulse.so`,
  );
  return plugins.some((path) => existsSync(path)) ? null : "libasound2-plugins is not installed";
}

/** @param user who it belongs to, where root starts it for somebody else */
export async function startPulse(rate: number, user?: { uid: number; gid: number }): Promise<Pulse> {
  const folder = mkdtempSync(join(tmpdir(), "belljar-pulse-"));
  const run = join(folder, "run");
  mkdirSync(run, { mode: 0o700 });
  if (user !== undefined) for (const place of [folder, run]) chownSync(place, user.uid, user.gid);
  const env = { XDG_RUNTIME_DIR: run, HOME: folder, PULSE_SERVER: `unix:${join(run, "pulse", "native")}` };
  const whole = { ...process.env, ...env, ...(user === undefined ? {} : { XDG_CONFIG_HOME: folder }) };
  const sink = `module-null-sink sink_name=${SINK} rate=${rate} channels=2 format=float32le channel_map=stereo norewinds=1`;
  const begin = (): ChildProcess =>
    spawn(
      "pulseaudio",
      [
        "-n",
        "--daemonize=no",
        "--exit-idle-time=-1",
        "--use-pid-file=no",
        "-L",
        "module-native-protocol-unix",
        "-L",
        sink,
      ],
      { env: whole, stdio: "ignore", ...user },
    );
  let server = begin();
  const control = (...args: string[]): string => {
    const { stdout, status } = spawnSync("pactl", args, { env: whole, encoding: "utf8", ...user });
    if (status !== 0) throw new Error(`pactl ${args.join(" ")} ended with ${status}`);
    return stdout;
  };
  const ready = async (): Promise<void> => {
    for (let tries = 0; ; tries++) {
      try {
        if (control("list", "short", "sinks").includes(SINK)) return;
      } catch (error) {
        if (tries > 200 || server.exitCode !== null) throw error;
      }
      await new Promise((resume) => setTimeout(resume, 50));
    }
  };
  await ready();
  return {
    env,
    get server() {
      return server;
    },
    control,
    async restart() {
      if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
      server = begin();
      await ready();
    },
    async record() {
      const parec = spawn(
        "parec",
        [
          "-d",
          `${SINK}.monitor`,
          "--raw",
          "--format=float32le",
          `--rate=${rate}`,
          "--channels=2",
          "--latency-msec=20",
        ],
        { env: whole, stdio: ["ignore", "pipe", "ignore"], ...user },
      );
      const chunks: Buffer[] = [];
      parec.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
      // It is recording when the first silence has come.
      await once(parec.stdout, "data");
      return {
        async stop() {
          // What was sent has arrived when a quarter of a second of silence follows it.
          const silence = rate * 2;
          for (let tries = 0; tries < 400; tries++) {
            await new Promise((resume) => setTimeout(resume, 25));
            const tail = Buffer.concat(chunks.slice(-64)).subarray(-silence);
            if (tail.length >= silence && tail.every((byte) => byte === 0)) break;
          }
          parec.kill("SIGTERM");
          await once(parec, "exit");
          const bytes = Buffer.concat(chunks);
          return new Float32Array(Uint8Array.from(bytes.subarray(0, bytes.length & ~7)).buffer);
        },
      };
    },
    async stop() {
      if (server.exitCode === null && server.signalCode === null) {
        server.kill("SIGKILL");
        await once(server, "exit");
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Where `sent` lies in `recorded`, in samples, or -1: all of it, in one piece, no sample more than `step` away. */
export function findSound(recorded: Float32Array, sent: Float32Array, step = 0): number {
  const isThere = (at: number): boolean => {
    if (at + sent.length > recorded.length) return false;
    for (let i = 0; i < sent.length; i++) {
      if (!(Math.abs((recorded[at + i] as number) - (sent[i] as number)) <= step)) return false;
    }
    return true;
  };
  for (let at = 0; at + sent.length <= recorded.length; at++) if (isThere(at)) return at;
  return -1;
}
