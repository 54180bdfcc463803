// The system's MIDI inputs, through RtMidi (the package @julusian/midi: ALSA's sequencer, CoreMIDI, Windows Multimedia). The
// package is optional; without it all else works.

import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { BelljarError, printable } from "../../../abi/error.ts";

/** What knows the system's MIDI inputs. Its functions throw BelljarError midi/library, midi/system. */
export interface MidiDriver {
  /** The names of the inputs that are there now. */
  inputs(): string[];
  /**
   * Opens an input.
   * @param receive called with each message, and with the milliseconds since the one before it, where the driver knows
   * @throws BelljarError midi/open
   */
  open(name: string, receive: (bytes: Uint8Array, since: number) => void): MidiPort;
}

export interface MidiPort {
  close(): void;
}

/** Of the package, what is used here. */
interface Input {
  getPortCount(): number;
  getPortName(port: number): string;
  openPortByName(name: string): unknown;
  isPortOpen(): boolean;
  ignoreTypes(sysex: boolean, timing: boolean, activeSensing: boolean): void;
  on(event: "messageBuffer", hear: (seconds: number, bytes: Uint8Array) => void): void;
  destroy(): void;
}
interface Library {
  Input: new () => Input;
}

export const MIDI_PACKAGE = "@julusian/midi";
const SEQUENCER = "/dev/snd/seq";

/** @throws BelljarError midi/library, midi/system */
export function openMidiDriver(): MidiDriver {
  const { Input } = loadLibrary();
  checkSequencer();
  // It opens nothing, and is asked for names alone.
  let lister: Input | null = null;
  return {
    inputs() {
      try {
        lister ??= new Input();
        const names: string[] = [];
        for (let port = 0; port < lister.getPortCount(); port++) {
          const name = lister.getPortName(port);
          // It has gone since.
          if (name !== "") names.push(name);
        }
        return names;
      } catch {
        throw new BelljarError("midi/system", "The system's MIDI can't be reached.");
      }
    },
    open(name, receive) {
      let input: Input | null = null;
      try {
        input = new Input();
        // What no plugin receives need not be handed over.
        input.ignoreTypes(true, true, true);
        input.on("messageBuffer", (seconds, bytes) => receive(bytes, seconds * 1000));
        input.openPortByName(name);
        const opened = input;
        if (opened.isPortOpen()) return { close: () => opened.destroy() };
      } catch {
        // As below.
      }
      input?.destroy();
      throw new BelljarError(
        "midi/open",
        `The MIDI input "${printable(name, 120)}" can't be opened.`,
        process.platform === "win32" ? "On Windows one program at a time can have it." : "",
      );
    },
  };
}

function loadLibrary(): Library {
  const require = createRequire(import.meta.url);
  let library: Library & { verifyLibraryLoaded(): void };
  try {
    library = require(MIDI_PACKAGE);
  } catch {
    throw new BelljarError(
      "midi/library",
      `MIDI inputs need the package ${MIDI_PACKAGE}, which is not installed.`,
      `Install it with: npm install ${MIDI_PACKAGE}`,
    );
  }
  try {
    library.verifyLibraryLoaded();
  } catch (error) {
    const lacksAlsa = String((error as Error).message).includes("libasound");
    throw new BelljarError(
      "midi/library",
      lacksAlsa
        ? "MIDI inputs need ALSA's library libasound.so.2, which is not installed."
        : `The package ${MIDI_PACKAGE} can't be loaded: ${printable((error as Error).message, 200)}`,
      lacksAlsa ? "Debian has it as libasound2." : "",
    );
  }
  return library;
}

/** Asks the system itself, since ALSA's library would write its own lines about it. */
function checkSequencer(): void {
  if (process.platform !== "linux") return;
  try {
    accessSync(SEQUENCER, constants.R_OK | constants.W_OK);
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === "EACCES";
    throw new BelljarError(
      "midi/system",
      isThere
        ? `MIDI inputs need ALSA's sequencer, and ${SEQUENCER} may not be opened.`
        : `MIDI inputs need ALSA's sequencer, and there is no ${SEQUENCER}.`,
      isThere
        ? "The group audio may, on most systems."
        : "Where the kernel has it as a module: modprobe snd-seq.",
    );
  }
}
