// x
import type { BenchReport } from "./result.ts";
export function renderPage(report: BenchReport): string {
  return JSON.stringify(report);
}
