// Results as JUnit XML, which build servers read.

import type { CheckResult } from "./run.ts";
import type { Word } from "./verdict.ts";

export interface PluginResults {
  /** As it was named on the command line. */
  plugin: string;
  results: readonly CheckResult[];
}

const MARKS: Partial<Record<Word, string>> = { skipped: "skipped", failed: "failure", crashed: "error" };

export function junit(plugins: readonly PluginResults[]): string {
  const suites = plugins.map(({ plugin, results }) => {
    const count = (word: Word) => results.filter((result) => result.word === word).length;
    const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(3);
    const time = seconds(results.reduce((sum, result) => sum + result.milliseconds, 0));
    const cases = results.map((result) => {
      const [group = "", ...name] = result.check.split("/");
      const head = `    <testcase classname="${xmlText(group)}" name="${xmlText(name.join("/"))}" time="${seconds(result.milliseconds)}"`;
      const mark = MARKS[result.word];
      if (mark !== undefined)
        return `${head}>\n      <${mark} message="${xmlText(result.sentence)}"/>\n    </testcase>\n`;
      if (result.word !== "warning") return `${head}/>\n`;
      return `${head}>\n      <system-out>warning: ${xmlText(result.sentence)}</system-out>\n    </testcase>\n`;
    });
    return (
      `  <testsuite name="${xmlText(plugin)}" tests="${results.length}" failures="${count("failed")}" ` +
      `errors="${count("crashed")}" skipped="${count("skipped")}" time="${time}">\n${cases.join("")}  </testsuite>\n`
    );
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="belljar validate">\n${suites.join("")}</testsuites>\n`;
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Characters that XML 1.0 can't hold are left out. */
function xmlText(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}
