// `belljar devices`: what sound can be heard on here, and what is missing for more.

import type { DeviceCaps, DeviceInfo, DeviceList } from "../../abi/sidecar.ts";
import { BelljarError } from "../../abi/error.ts";
import { sidecarOf } from "../engine/live/play-live.ts";
import { SidecarClient } from "../output/sidecar-client.ts";
import { flag, parseOptions, takePositionals } from "./options.ts";
import { readSettings, SINK_OPTIONS } from "./sink.ts";
import { table } from "./table.ts";

export const name = "devices";
export const summary = "List what sound can be heard on";
export const help = `Lists the devices that \`belljar play\` can play on: by the sound system's interfaces, with rates and
latencies; which PortAudio library is in use, and whether it has ASIO.

Usage: belljar devices [OPTIONS]

  --portaudio FILE   use this PortAudio library (one with ASIO, say)
  --sidecar FILE     use this sidecar
  --json             print the list as JSON

Two devices are always there: null, which plays to nobody in exact time, and wav:FILE.

ASIO: PortAudio plays on ASIO devices where the library was built with it, which those of Linux and
macOS and the one that naudiodon brings are not. Name one that was with --portaudio, or for good in
the configuration file: "output": { "sidecar_args": ["--portaudio", "C:\\\\audio\\\\portaudio-asio.dll"] }.

Exit code: 0 listed, 2 bad input.

Examples:
  belljar devices
  belljar devices --json
  belljar devices --portaudio C:\\audio\\portaudio-asio.dll
`;

const OPTIONS = { ...SINK_OPTIONS, json: flag() };

interface Found extends DeviceInfo {
  caps: DeviceCaps | null;
}

export async function run(args: string[]): Promise<number> {
  const { options, positionals } = parseOptions(args, OPTIONS);
  takePositionals(positionals, []);
  const client = await SidecarClient.start(sidecarOf(readSettings(options)), () => {});
  try {
    const list = await client.request("list", { without: [] });
    const devices: Found[] = [];
    for (const device of list.devices) devices.push({ ...device, caps: await capsOf(client, device.id) });
    const { apis, library, notes } = list;
    if (options.json) process.stdout.write(`${JSON.stringify({ apis, library, notes, devices }, null, 2)}\n`);
    else process.stdout.write(report(list, devices));
  } finally {
    await client.close();
  }
  return 0;
}

async function capsOf(client: SidecarClient, device: string): Promise<DeviceCaps | null> {
  try {
    return await client.request("caps", { device });
  } catch (error) {
    // A device that can't be asked now can be listed all the same.
    if (error instanceof BelljarError && error.code.startsWith("device/")) return null;
    throw error;
  }
}

function report({ apis, library, notes }: DeviceList, devices: Found[]): string {
  const rows = devices.map(({ id, isDefault, channels, defaultRate, caps }) => [
    id,
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
    const asio = library.asio ? "with ASIO" : "without ASIO";
    lines.push(`${library.version}, ${asio}: ${library.path}`);
    if (apis.length > 0) lines.push(`Interfaces: ${apis.map(({ name: api }) => api).join(", ")}`);
  }
  return `${[...lines, ...notes].join("\n")}\n`;
}

const ms = (seconds: number): string => (seconds * 1000).toFixed(0);

function ratesOf({ rates }: DeviceCaps): string {
  const first = rates[0];
  return first === undefined ? "none" : rates.length < 4 ? rates.join(", ") : `${first} to ${rates.at(-1)}`;
}
