// A JACK server of our own on its dummy driver, in exact time, whose output can be recorded.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

export const JACK_DEVICE = "portaudio:JACK Audio Connection Kit:system";
/** A step of the 32-bit integers that jack_rec writes: what it may differ by. */
export const JACK_STEP = 2 ** -31;

export interface Jack {
  /** For programs that are to find it. */
  env: NodeJS.ProcessEnv;
  readonly server: ChildProcess;
  /** Records what is heard into a file until `stop`; resolves when that has begun. */
  record(file: string): Promise<{ stop(): Promise<Float32Array> }>;
  stop(): Promise<void>;
}

const MONITORS = ["system:monitor_1", "system:monitor_2"];
/** Seconds of a recording. */
const LONGEST = 300;
/** Frames that it may lag behind. */
const READ_AHEAD = 1 << 19;

/** A WAV file that was not ended: its length is the file's. */
function samplesOf(wav: Buffer): Float32Array {
  const at = wav.indexOf("data") + 8;
  const samples = new Float32Array((wav.length - at) >> 2);
  for (let i = 0; i < samples.length; i++) samples[i] = wav.readInt32LE(at + i * 4) * JACK_STEP;
  return samples;
}

/** What is missing for PortAudio to be heard on JACK here, or null. */
export function jackIsMissing(): string | null {
  if (process.platform !== "linux") return "JACK is tested on Linux";
  const lacks = (program: string): boolean => spawnSync(program, ["--version"]).error !== undefined;
  return ["jackd", "jack_rec", "jack_lsp"].some(lacks) ? "jackd2 is not installed" : null;
}

export async function startJack(rate: number): Promise<Jack> {
  const env = {
    // The same each time: JACK keeps a place for each name, also of a server that was killed, and has eight.
    JACK_DEFAULT_SERVER: "belljar-test",
    JACK_NO_START_SERVER: "1",
    JACK_NO_AUDIO_RESERVATION: "1",
  };
  const whole = { ...process.env, ...env };
  // -m: what is played can be listened to, whether somebody plays or not.
  const driver = ["-d", "dummy", "-r", String(rate), "-p", "2048", "-C", "2", "-P", "2", "-m"];
  // In real time where that is allowed, so that a busy machine leaves no gap.
  const priority = process.getuid?.() === 0 ? "-R" : "-r";
  const begin = (): ChildProcess =>
    spawn("jackd", ["-n", env.JACK_DEFAULT_SERVER, priority, ...driver], { env: whole, stdio: "ignore" });
  const server = begin();
  const ports = (): string =>
    spawnSync("jack_lsp", ["-c"], { env: whole, encoding: "utf8", timeout: 5000 }).stdout ?? "";
  const until = async (there: RegExp, alive: ChildProcess): Promise<void> => {
    while (!there.test(ports())) {
      if (alive.exitCode !== null) throw new Error(`It ended with ${alive.exitCode} before ${there}.`);
      await new Promise((resume) => setTimeout(resume, 25));
    }
  };
  process.on("exit", () => server.kill("SIGKILL"));
  await until(/system:monitor_2/, server);
  return {
    env,
    server,
    async record(file) {
      const length = ["-d", String(LONGEST), "-B", String(READ_AHEAD)];
      const recorder = spawn("jack_rec", ["-f", file, ...length, "-b", "32", ...MONITORS], {
        env: whole,
        stdio: "ignore",
      });
      const ended = once(recorder, "exit");
      await until(/^system:monitor_2\n +jackrec/m, recorder);
      return {
        async stop() {
          // What was sent has arrived when a quarter of a second of silence follows it.
          const silence = rate * 2;
          let bytes: Buffer;
          do {
            await new Promise((resume) => setTimeout(resume, 50));
            bytes = readFileSync(file);
          } while (bytes.length < 2 * silence || bytes.subarray(-silence).some((byte) => byte !== 0));
          recorder.kill("SIGKILL");
          await ended;
          return samplesOf(readFileSync(file));
        },
      };
    },
    async stop() {
      const dead = server.exitCode !== null || server.signalCode !== null;
      // What one that was killed has left in /dev/shm (100 MB), the next of its name takes away, with its own.
      const last = dead ? begin() : server;
      if (dead) await until(/system:monitor_2/, last);
      last.kill("SIGTERM");
      const late = setTimeout(() => last.kill("SIGKILL"), 5000);
      await once(last, "exit");
      clearTimeout(late);
    },
  };
}
