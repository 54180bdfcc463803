// Words that become code in a picture, a page or a report that other programs read.

import type { Attack, Belljar } from "./twin.ts";

const SCRIPT = '<script>alert("it")</script>';

/** The picture of a render of no sound, with these words in it. */
function picture({ renderPicture, WaveformPeaks }: Belljar, title: string, node: string): string {
  const waveform = new WaveformPeaks(2);
  waveform.add([new Float32Array(64), new Float32Array(64)], 64, 0);
  const nodes = [{ id: node, type: "gain", meanUnits: 1, timeShare: 1, peak: 0, fault: null }];
  return renderPicture({ title, rate: 48_000, waveform, nodes: nodes as never });
}

const runs = (page: string): string =>
  page.includes("<script>")
    ? "it runs what the words say"
    : `it shows ${/&lt;script&gt;\S*/.exec(page)?.[0]}`;

export const ATTACKS: Attack[] = [
  {
    attack: "A session's node is named as a script, which runs where its picture is opened",
    defence: {
      file: "runtime/engine/picture.ts",
      line: "escapeXml(text)}</text>",
      off: "text}</text>",
    },
    attempt: (belljar) => runs(picture(belljar, "guest.json", SCRIPT)),
    stopped: /^it shows &lt;script&gt;alert\(&quot;it&quot;\)/,
    reached: "it runs what the words say",
  },
  {
    attack: "A session's file is named as a script, which runs from the picture's title",
    defence: {
      file: "runtime/engine/picture.ts",
      line: "escapeXml(facts.title)}</title>",
      off: "facts.title}</title>",
    },
    attempt: (belljar) => runs(picture(belljar, `</title>${SCRIPT}`, "gain")),
    stopped: /^it shows &lt;script&gt;alert\(&quot;it&quot;\)/,
    reached: "it runs what the words say",
  },
  {
    attack:
      "A plugin that fails a check ends the report of it with its own words, and goes on as having passed",
    defence: {
      file: "runtime/validate/junit.ts",
      line: 'xmlText(result.sentence)}"/>',
      off: 'result.sentence}"/>',
    },
    attempt: ({ junit }) => {
      const sentence =
        'It said: "/></testcase><testcase name="sound"/><testcase name="x"><skipped message=".';
      const report = junit([
        {
          plugin: "evil.wasm",
          results: [{ check: "sandbox/holds", word: "failed", sentence, milliseconds: 1 }] as never,
        },
      ]);
      return `the report has ${report.split("<testcase").length - 1} results`;
    },
    stopped: "the report has 1 results",
    reached: "the report has 3 results",
  },
];
