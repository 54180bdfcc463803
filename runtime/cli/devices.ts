// `belljar devices`: what sound can be heard on here, and what is missing for more.

import type { DeviceCaps, DeviceInfo, DeviceList } from "../../abi/sidecar.ts";
import { BelljarError, printable } from "../../abi/error.ts";
import { isAlwaysThere } from "../engine/live/choose-device.ts";
import { listMidiInputs } from "../engine/live/midi-connections.ts";
import { listDevices } from "../output/device-list.ts";
import { sidecarOf } from "../engine/live/play-live.ts";
import { SidecarClient } from "../output/sidecar-client.ts";
import { flag, parseOptions, takePositionals } from "./options.ts";
import { readSettings, SINK_OPTIONS } from "./sink.ts";
import { table } from "./table.ts";

export const name = "devices";
export const summary = "List what sound can be heard on, and MIDI devices";
export const help = `Lists the devices that \`belljar play\` can play on: by the sound system's interfaces, with rates and
latencies; which PortAudio library is in use, and whether it has ASIO. And the MIDI inputs that
\`belljar play --midi-in\` can be played from.

Usage: belljar devices [OPTIONS]

  --portaudio FILE   use this PortAudio library (one with ASIO, say)
  --sidecar FILE     use this sidecar
  --json             print the list as JSON

MIDI inputs need the package @julusian/midi, which npm installs with Belljar unless told to leave out
what is optional.

Two devices are always there: null, which plays to nobody in exact time, and wav:FILE. Those of naudiodon,
an addon, are listed where npm has installed and compiled it.

ASIO: PortAudio plays on ASIO devices where the library was built with it, which those of Linux and
macOS and the one that naudiodon brings are not. Name one that was with --portaudio, or for good in
the configuration file: "output": { "sidecar_args": ["--portaudio", "C:\\\\audio\\\\portaudio-asio.dll"] }.

A sound library that crashes or hangs when it is asked is left out, and named with what happened.

Exit code: 0 listed; 2 bad input, or a library that was named with --portaudio and can't be used.

Examples:
  belljar devices
  belljar devices --json
  belljar devices --portaudio C:\\audio\\portaudio-asio.dll
`;

const EXIT_UNUSABLE = 2;
/** Sidecars that may be lost in asking devices what they can. */
const MOST_DEATHS = 3;
const OPTIONS = { ...SINK_OPTIONS, json: flag() };

type Caps = Omit<DeviceCaps, "id">;

interface Found extends DeviceInfo {
  caps: Caps | null;
}

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  takePositionals(positionals, []);
  const command = sidecarOf(readSettings(options));
  const start = (): Promise<SidecarClient> => SidecarClient.start(command, () => {});
  const { client, list } = await listDevices(start);
  const census = new Census(start, client);
  const devices: Found[] = [];
  try {
    for (const device of list.devices) devices.push({ ...device, caps: await census.capsOf(device.id) });
  } finally {
    await census.end();
  }
  list.notes.push(...census.notes);
  const { apis, library, notes } = list;
  const midi = await midiInputs();
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ apis, library, notes, devices, midi }, null, 2)}\n`);
  } else process.stdout.write(report(list, devices, midi));
  // What was asked is what is on this library.
  return options.portaudio !== undefined && library === null ? EXIT_UNUSABLE : 0;
}

/** MIDI inputs, and why there are none where they can't be listed. */
interface MidiList {
  inputs: { name: string }[];
  note: string | null;
}

async function midiInputs(): Promise<MidiList> {
  try {
    const names = await listMidiInputs();
    return { inputs: names.map((input) => ({ name: input })), note: null };
  } catch (error) {
    if (!(error instanceof BelljarError) || !error.code.startsWith("midi/")) throw error;
    return { inputs: [], note: `${error.message}${error.hint === "" ? "" : ` ${error.hint}`}` };
  }
}

/** Asks devices what they can, by as many sidecars as that takes: some drivers end or hang the one that asks. */
class Census {
  readonly notes: string[] = [];
  private readonly start: () => Promise<SidecarClient>;
  private client: SidecarClient;

  constructor(start: () => Promise<SidecarClient>, client: SidecarClient) {
    this.start = start;
    this.client = client;
  }

  /** null: it does not say. */
  async capsOf(device: string): Promise<Caps | null> {
    if (this.notes.length >= MOST_DEATHS && !isAlwaysThere(device)) return null;
    try {
      return await this.client.request("caps", { device });
    } catch (error) {
      if (!(error instanceof BelljarError)) throw error;
      // A device that can't be asked now can be listed all the same.
      if (error.code.startsWith("device/") && error.code !== "device/stuck") return null;
      this.notes.push(`${printable(device, 120)} can't be asked what it can: ${error.message}`);
      this.client.kill();
      this.client = await this.start();
      return null;
    }
  }

  end(): Promise<void> {
    return this.client.close();
  }
}

function report({ apis, library, notes }: DeviceList, devices: Found[], midi: MidiList): string {
  const rows = devices.map(({ id, isDefault, channels, defaultRate, caps }) => [
    printable(id, 120),
    isDefault ? "default" : "",
    String(channels),
    String(Math.round(defaultRate)),
    caps === null ? "it does not say" : ratesOf(caps),
    caps === null || caps.highLatency === 0 ? "–" : `${ms(caps.lowLatency)}–${ms(caps.highLatency)} ms`,
  ]);
  const lines = [
    table(
      [
        { title: "DEVICE", most: 60 },
        { title: "" },
        { title: "CHANNELS", right: true },
        { title: "RATE", right: true },
        { title: "RATES", most: 40 },
        { title: "LATENCY", right: true },
      ],
      rows,
    ),
  ];
  if (library !== null) {
    const { version, asio, path } = library;
    lines.push(`${printable(version, 120)}, ${asio ? "with" : "without"} ASIO: ${printable(path, 200)}`);
    if (!asio && process.platform === "win32") {
      lines.push("How to get a library with ASIO: belljar devices --help");
    }
    const names = apis.map(({ name: api }) => printable(api, 60));
    if (apis.length > 0) lines.push(`Interfaces: ${names.join(", ")}`);
    if (devices.every(({ id }) => isAlwaysThere(id))) {
      lines.push("There is no sound card, or none that this user may play on.");
    }
  }
  lines.push(...notes.map((note) => printable(note, 400)));
  if (midi.note !== null) lines.push(midi.note);
  else if (midi.inputs.length === 0) lines.push("No MIDI inputs.");
  else {
    const names = midi.inputs.map((input) => [printable(input.name, 100)]);
    lines.push("", table([{ title: "MIDI INPUT", most: 100 }], names).trimEnd());
  }
  return `${lines.join("\n")}\n`;
}

const ms = (seconds: number): string => (seconds * 1000).toFixed(0);

function ratesOf({ rates }: Caps): string {
  const first = rates[0];
  return first === undefined ? "none" : rates.length < 4 ? rates.join(", ") : `${first} to ${rates.at(-1)}`;
}
