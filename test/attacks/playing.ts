// What most attacks begin and end with: a small plugin that plays, and what became of it.

import type { InstanceOptions, Limits, PluginInstance } from "../../runtime/sandbox/index.ts";
import { type SmallPlugin, smallPlugin } from "../sandbox/small-plugin.ts";
import type { Belljar } from "./twin.ts";

/** An instance of it, not yet activated. */
export async function instance(
  { PluginType }: Belljar,
  plugin: SmallPlugin | Uint8Array,
  options: InstanceOptions & { limits?: Partial<Limits> } = {},
): Promise<PluginInstance> {
  const { limits = {}, ...rest } = options;
  const bytes = plugin instanceof Uint8Array ? plugin : smallPlugin(plugin);
  return (await PluginType.load(bytes, { limits })).instantiate(rest);
}

/** An instance of it, activated for blocks of 64 frames. */
export async function playing(
  belljar: Belljar,
  plugin: SmallPlugin | Uint8Array,
  options: InstanceOptions & { limits?: Partial<Limits> } = {},
): Promise<PluginInstance> {
  const made = await instance(belljar, plugin, options);
  made.activate(48_000, 64);
  return made;
}

/** Plays a block, and says what stopped it; or, in the words of `otherwise`, what it reached. */
export function block(plugin: PluginInstance, otherwise: () => string): string {
  return plugin.process(64) ? otherwise() : stopped(plugin);
}

/** What stopped it, as the error that it would be. */
export function stopped({ fault }: PluginInstance): string {
  return fault === null ? "it was not stopped" : `plugin/${fault.kind}: ${fault.message}`;
}

/** The i32 at an address of the plugin's memory, while it is active. */
export function word(plugin: PluginInstance, address: number): number {
  return new DataView(memoryOf(plugin)).getInt32(address, true);
}

/** The plugin's memory as it is now, while it is active. */
export function memoryOf(plugin: PluginInstance): ArrayBufferLike {
  return plugin.controlsIn.buffer;
}

/** Where small plugins keep what they found out. */
export const NOTE = 600;
