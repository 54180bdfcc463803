// What plugins log, for standard error.

import { LogLevel } from "../../abi/layout.ts";
import { printable } from "../../abi/error.ts";

const LONGEST = 1000;

/** "log echo: warming up", "error: …": one line of a plugin's, safe to print. @param node whose, where there are several */
export function logLine(node: string, text: string, level: number): string {
  const kind = level === LogLevel.Error ? "error" : level === LogLevel.Warning ? "warning" : "log";
  return `${kind}${node === "" ? "" : ` ${printable(node, 80)}`}: ${printable(text, LONGEST)}`;
}
