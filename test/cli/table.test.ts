// Tables and progress: what reaches a terminal, and what never reaches a pipe.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { clock, Progress, timesRealTime } from "../../runtime/cli/progress.ts";
import { hasColours, table, width } from "../../runtime/cli/table.ts";

test("columns line up, numbers to the right, and no line ends in blanks", () => {
  const text = table(
    [{ title: "NAME" }, { title: "UNITS", right: true }, { title: "WHY" }],
    [
      ["a", "7", "units"],
      ["longer", "12345", ""],
    ],
  );
  assert.is(text, "NAME    UNITS  WHY\na           7  units\nlonger  12345\n");
});

test("wide characters count twice, and marks that combine not at all", () => {
  assert.is(width("abc"), 3);
  assert.is(width("音"), 2);
  assert.is(width("e\u0301"), 1);
  assert.is(
    table(
      [{ title: "A" }, { title: "B" }],
      [
        ["音", "x"],
        ["ab", "y"],
      ],
    ),
    "A   B\n音  x\nab  y\n",
  );
});

test("a cell that is too long is cut with an ellipsis", () => {
  assert.is(table([{ title: "A", most: 4 }], [["abcdefgh"]]), "A\nabc…\n");
});

test("a cell of a million characters is cut as one of eight is", () => {
  const rows = [["x".repeat(1e6)], ["音".repeat(5e5)]];
  assert.is(table([{ title: "A", most: 6 }], rows), "A\nxxxxx…\n音音…\n");
});

test("on a narrow terminal texts give way, the longest first, and numbers stay whole", () => {
  const columns = [{ title: "NODE" }, { title: "PLUGIN" }, { title: "UNITS", right: true }];
  const rows = [["shimmer", "plugins/out/shimmer.wasm", "1234567"]];
  const lines = (most: number) =>
    table(columns, rows, (cell) => cell, most)
      .trimEnd()
      .split("\n");
  assert.is(lines(42)[1], "shimmer  plugins/out/shimmer.wasm  1234567");
  assert.is(lines(41)[1], "shimmer  plugins/out/shimmer.wa…  1234567");
  assert.is(lines(26)[1], "shimmer  plugins…  1234567");
  assert.is(lines(1)[1], lines(26)[1]);
});

test("colours are for terminals alone, and NO_COLOR turns them off", () => {
  assert.is(hasColours({ isTTY: true }, {}), true);
  assert.is(hasColours({}, {}), false);
  assert.is(hasColours({ isTTY: true }, { NO_COLOR: "1" }), false);
  assert.is(hasColours({ isTTY: true }, { NO_COLOR: "" }), true);
  assert.is(hasColours({ isTTY: true }, { TERM: "dumb" }), false);
});

/** A stream that keeps what is written, and a clock that is set by hand. */
function screen(isTTY: boolean) {
  const written: string[] = [];
  const time = { now: 0 };
  const stream = { isTTY, columns: 100, write: (text: string) => written.push(text) };
  return { written, time, bar: new Progress("Rendering", stream, () => time.now) };
}

test("progress shows how much, how fast and how long still", () => {
  const { written, time, bar } = screen(true);
  time.now = 2000;
  bar.update(20, 80);
  assert.is(written.length, 1);
  assert.match(written[0] as string, /Rendering █{5}░{15} {2}25 % {2}10 × real time {2}0:06 left/);
});

test("progress is drawn ten times a second at most, and wiped at the end", () => {
  const { written, time, bar } = screen(true);
  for (time.now = 0; time.now < 1000; time.now += 1) bar.update(time.now, 1000);
  assert.is(written.length, 10);
  bar.end();
  assert.is(written[10], "\r\u001b[2K");
  bar.end();
  assert.is(written.length, 11);
});

test("progress writes nothing to a pipe", () => {
  const { written, bar } = screen(false);
  bar.update(1, 2);
  bar.end();
  assert.equal(written, []);
});

test("times are written as people read them", () => {
  assert.is(clock(65), "1:05");
  assert.is(clock(3723), "1:02:03");
  assert.is(timesRealTime(1, 2), "0.50");
  assert.is(timesRealTime(154.4, 1), "154");
  assert.is(timesRealTime(1, 0), "–");
});

test.run();
