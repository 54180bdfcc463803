// What a terminal shows while a session plays: it fits wherever it stands, and nobody's name gets out of its line.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { type LiveRow, type LiveView, liveLines } from "../../runtime/cli/live-view.ts";
import { StatusLine } from "../../runtime/cli/status-line.ts";
import { width } from "../../runtime/cli/table.ts";

const plain = (_: string, text: string) => text;

function row(
  id: string,
  level: number,
  more: { type?: string; faulty?: boolean; kind?: string; replacements?: number } = {},
): LiveRow {
  const { type = "sine", faulty = false, kind = "", replacements = 0 } = more;
  return {
    node: { id, type, params: new Map(), config: new Map() },
    meter: { id, peak: level, level, mostPeak: level, load: 0, units: 0, faulty },
    story: { faultCount: faulty ? 1 : 0, replacements, kind, seconds: 0 },
    load: 0.0123,
  };
}

function view(rows: LiveRow[]): LiveView {
  const figures = {
    ...{
      frame: 96_000,
      seconds: 2,
      blocks: 750,
      load: 0.1,
      meanLoad: 0.1,
      worstLoad: 0.4,
      late: 2,
      unheard: 0,
    },
    ...{ peak: 0.5, clamped: 0, lost: 0 },
  };
  return { rows, figures, underruns: 3, length: 10 };
}

const rows = [
  row("song", 0, { type: "track_source" }),
  row("lead", 0.5),
  row("echo", 0.001, { replacements: 2 }),
  row("bad", 0, { faulty: true, kind: "deadline" }),
  row("master", 1, { type: "master" }),
];

test("each node that sounds has a meter, 60 dB long, a peak, a load and what became of it; then the whole", () => {
  const lines = liveLines(view(rows), { columns: 100, rows: 30 }, plain);
  assert.equal(
    lines.map((line) => line.replace(/ +/g, " ")),
    [
      "NODE LEVEL PEAK LOAD",
      // -6.02 dB: 0.8997 of 192 eighths.
      "lead █████████████████████▋·· -6.0 dB 1.2 %",
      `echo ${"·".repeat(24)} -60.0 dB 1.2 % replaced 2 times`,
      `bad ${"·".repeat(24)} silent 1.2 % stopped: deadline`,
      `master ${"█".repeat(24)} 0.0 dB`,
      "0:02 of 0:10 load 10 % (most 40 %) late 2 underruns 3",
    ],
  );
});

test("beyond its length it rings out, and what never ends has none", () => {
  const last = (length: number | null) =>
    liveLines({ ...view(rows), length }, { columns: 100, rows: 30 }, plain).at(-1) as string;
  assert.match(last(1), /^0:02, ringing out {2}load/);
  assert.match(last(null), /^0:02 {2}load/);
});

test("whatever the terminal's size, and whatever the nodes are called, the lines fit in", () => {
  const names = ["音楽".repeat(30), "e\u0301".repeat(60), "x".repeat(64), "🎹".repeat(30), "a\u001b[2Jb"];
  const many = [
    ...names.map((name) => row(name, 0.1)),
    ...rows,
    ...Array.from({ length: 40 }, (_, i) => row(`n${i}`, 0.2)),
  ];
  for (const columns of [1, 20, 63, 64, 80, 300]) {
    for (const height of [1, 7, 8, 12, 24, 80]) {
      const lines = liveLines(view(many), { columns, rows: height }, plain);
      if (lines.length > 1)
        assert.ok(
          lines.every((line) => width(line) < columns),
          `${columns} x ${height}`,
        );
      assert.ok(lines.length === 1 || lines.length < height, `${columns} x ${height}: ${lines.length}`);
      assert.not.match(lines.join("\n"), /[\u0000-\u0009\u000b-\u001f]/);
      if (columns >= 64 && height >= 12)
        assert.match(lines.join("\n"), /^bad .* stopped/m, "is never hidden");
    }
  }
});

/** A terminal of a few columns that keeps what is written. */
function terminal(columns: number) {
  const written: string[] = [];
  const stream = { isTTY: true, columns, write: (text: string) => written.push(text) };
  return { written, stream, line: new StatusLine(stream) };
}

test("lines are written over those that stood there, also where a narrower terminal has broken them", () => {
  const { written, stream, line } = terminal(80);
  line.showLines(["a".repeat(70), "\u001b[31mb\u001b[0m"]);
  line.showLines(["c"]);
  stream.columns = 40;
  line.showLines(["d".repeat(39), "e"]);
  stream.columns = 20;
  line.clear();
  line.clear();
  assert.equal(written, [
    `\r${"a".repeat(70)}\u001b[K\n\u001b[31mb\u001b[0m\u001b[K\u001b[J`,
    "\u001b[1A\rc\u001b[K\u001b[J",
    `\r${"d".repeat(39)}\u001b[K\ne\u001b[K\u001b[J`,
    "\u001b[2A\r\u001b[J",
  ]);
});

test("a line that is too long is cut, and where no terminal is nothing is written", () => {
  const { written, line } = terminal(8);
  line.show("音楽 abcdefg");
  assert.equal(written, ["\r音楽 ab\u001b[K\u001b[J"]);
  const nowhere = { isTTY: false, write: () => assert.unreachable() };
  new StatusLine(nowhere).show("text");
});

test.run();
