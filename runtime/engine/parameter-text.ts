// A control port's value as people write and read it: "-6 dB", "on", "triangle", "2.5 kHz".

import { BelljarError, listed, printable } from "../../abi/error.ts";
import type { PortDescriptor } from "../../abi/descriptor.ts";

const ON = ["on", "true", "yes"];
const OFF = ["off", "false", "no"];

/** "written unit -> unit of the port" (both in lower case) -> the value in the port's unit. Both are strangers' words. */
const CONVERSIONS = new Map<string, (value: number) => number>([
  ["db -> ", (v) => 10 ** (v / 20)],
  ["khz -> hz", (v) => v * 1000],
  ["hz -> khz", (v) => v / 1000],
  ["s -> ms", (v) => v * 1000],
  ["ms -> s", (v) => v / 1000],
  ["% -> ", (v) => v / 100],
]);

/** What a control port accepts, for an error or a table: "-60 to 12 dB", "off, on", "sine, saw". */
export function describeRange(port: PortDescriptor): string {
  if (port.choices.length > 0) return listed(port.choices.map((choice) => printable(choice, 40)));
  if (port.hint === "toggle") return "off, on";
  if (port.hint === "graph_editor") return "JSON";
  const unit = port.unit === "" ? "" : ` ${printable(port.unit, 16)}`;
  return `${shortNumber(port.min)} to ${shortNumber(port.max)}${unit}`;
}

/** At most six significant digits and no zeros at the end; f32 values read as they were written. */
export function shortNumber(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value);
}

/**
 * Reads a value for a control port: a number in the port's unit, a number with a unit that can be converted
 * (a port without a unit takes dB as a linear factor, and %), on or off for a toggle, a choice's name.
 * @throws BelljarError plugin/value when it is none of these or out of range
 */
export function parseValue(port: PortDescriptor, text: string): number {
  const value = parseAny(port, text.trim());
  // Compared as the plugin holds them: a bound of 0.3 may have travelled as the nearest float32.
  const single = Math.fround(value ?? Number.NaN);
  if (value === null || !(single >= Math.fround(port.min) && single <= Math.fround(port.max))) {
    throw new BelljarError(
      "plugin/value",
      `"${printable(text, 40)}" is no value for "${printable(port.id, 60)}", which takes ${describeRange(port)}.`,
    );
  }
  if (port.choices.length > 0 || port.hint === "integer" || port.hint === "toggle") {
    if (!Number.isInteger(value)) {
      throw new BelljarError(
        "plugin/value",
        `"${printable(port.id, 60)}" takes whole values, not ${printable(text, 40)}.`,
      );
    }
  }
  return value;
}

function parseAny(port: PortDescriptor, text: string): number | null {
  const lower = text.toLowerCase();
  const named = port.choices.findIndex((choice) => choice.toLowerCase() === lower);
  if (named >= 0) return named;
  if (port.hint === "toggle") {
    if (ON.includes(lower)) return 1;
    if (OFF.includes(lower)) return 0;
  }
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(.*)$/is.exec(text);
  if (!match) return null;
  const number = Number(match[1]);
  const written = (match[2] ?? "").toLowerCase();
  const own = port.unit.toLowerCase();
  if (written === "" || written === own) return number;
  const convert = CONVERSIONS.get(`${written} -> ${own}`);
  return convert ? convert(number) : null;
}

/** A value as a person reads it: with the port's precision and unit, or a choice's name. */
export function formatValue(port: PortDescriptor, value: number): string {
  const choice = port.choices[value];
  if (choice !== undefined) return printable(choice, 40);
  if (port.hint === "toggle") return value >= 0.5 ? "on" : "off";
  const number = port.precision > 0 ? value.toFixed(port.precision) : shortNumber(value);
  return port.unit === "" ? number : `${number} ${printable(port.unit, 16)}`;
}
