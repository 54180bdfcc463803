// time limit: 300 s
// The page of `belljar bench --html`, as a real browser shows it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BenchReport, Row } from "../../runtime/bench/result.ts";
import { root, skip } from "../root.ts";
import { EVENTS_IN, smallPlugin, STEREO_IN, STEREO_OUT } from "../sandbox/small-plugin.ts";
import { findChromium, Page } from "./chromium.ts";
import { belljar, workFolder } from "./program.ts";

const folder = workFolder();
const program = findChromium();
const MISSING = "chromium is not installed";
/** Windows has no files with angle brackets in their names. */
const UNSAFE = process.platform === "win32" ? "u&amp;.wasm" : "<u>&amp;.wasm";
const HOSTILE = `"><img src=x onerror=hacked()><script>hacked=1</script>`;

const descriptor = { display_name: HOSTILE, author: HOSTILE, doc: HOSTILE };
writeFileSync(
  join(folder, "hostile.wasm"),
  smallPlugin({ descriptor, ports: [STEREO_IN, EVENTS_IN, STEREO_OUT] }),
);
writeFileSync(join(folder, UNSAFE), smallPlugin());
const session = {
  nodes: [
    { id: "<script>hacked()</script>", type: UNSAFE },
    { id: "echo", type: "delay" },
  ],
  connections: [],
};
writeFileSync(join(folder, "session.json"), JSON.stringify(session));

/** Measures, and gives what the page was made of, and where it is. */
async function bench(
  name: string,
  args: string[],
): Promise<{ report: BenchReport; html: string; url: string }> {
  const path = join(folder, name);
  const outcome = await belljar(
    ["bench", ...args, "--seconds", "0.2", "--rounds", "2", "--json", "--html", path],
    folder,
  );
  assert.is(outcome.code, 0, outcome.stderr);
  return {
    report: JSON.parse(outcome.stdout) as BenchReport,
    html: readFileSync(path, "utf8"),
    url: pathToFileURL(path).href,
  };
}

const plain = await bench("plain.html", ["hostile.wasm", "--voices", "1,3"]);
const versus = await bench("versus.html", [
  "hostile.wasm",
  "--vs",
  "gain",
  "--voices",
  "2",
  "--block",
  "64,128",
]);
const ofSession = await bench("session.html", ["session.json"]);

test("the page has no script, loads nothing, says so to the browser, and names nothing of this machine's owner", () => {
  for (const { html } of [plain, versus, ofSession]) {
    assert.match(
      html,
      `content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`,
    );
    assert.not.match(html, /<script|<link|<iframe|<img|@import|url\(|javascript:/i);
    assert.not.match(html, /\b(?:src|href|on[a-z]+)=["']/i);
    assert.not.match(
      html,
      new RegExp([folder, root].map((one) => one.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|")),
    );
  }
});

test("the same report makes the same page", async () => {
  const { renderPage } = await import("../../runtime/bench/page.ts");
  for (const { report, html } of [plain, versus, ofSession]) assert.is(renderPage(report), html);
});

if (program === null) {
  test("the page in a browser", () => skip(MISSING));
} else {
  const page = await Page.open(program);

  for (const [width, height] of [
    [1200, 900],
    [390, 844],
  ] as const) {
    test(`at ${width} pixels everything is drawn, one bar for each bin that has blocks, and nothing is wider than the screen`, async () => {
      await page.resize(width, height);
      for (const { report, url } of [plain, versus, ofSession]) {
        await page.go(url);
        const expected = report.rows.flatMap((row: Row) =>
          [row.measured, ...(row.other === null ? [] : [row.other])].map(
            ({ histogram }) => histogram.counts.filter((count) => count > 0).length,
          ),
        );
        const drawn = await page.evaluate<number[]>(
          `[...document.querySelectorAll(".histogram")].map((figure) =>
             [...figure.querySelectorAll(".bar")].filter((bar) => bar.getBoundingClientRect().height > 0.5).length)`,
        );
        assert.equal(drawn, expected);
        const lines = await page.evaluate<number[]>(
          `[...document.querySelectorAll(".timeline path.best")].map((line) => line.getBoundingClientRect().width)`,
        );
        assert.is(lines.filter((one) => one > width * 0.5).length, expected.length, "each is shown once");
        const tooWide = await page.evaluate<number>("document.documentElement.scrollWidth");
        const culprits = await page.evaluate<string[]>(
          `[...document.querySelectorAll("body *")].filter((one) => !one.closest(".scroll table")
             && one.getBoundingClientRect().right > ${width}).map((one) => one.outerHTML.slice(0, 200))`,
        );
        assert.ok(tooWide <= width, `${tooWide} pixels: ${culprits.join(" ")}`);
        const outside = await page.evaluate<string[]>(
          `[...document.querySelectorAll("svg text")].filter((text) => {
             const box = text.getBoundingClientRect();
             return box.width > 0 && (box.left < 0 || box.right > innerWidth);
           }).map((text) => text.textContent)`,
        );
        assert.equal(outside, []);
      }
    });
  }

  test("names are shown as the texts that they are, and no script of theirs ran", async () => {
    await page.go(plain.url);
    assert.match(await page.evaluate<string>("document.querySelector('h1').textContent"), HOSTILE);
    assert.match(await page.evaluate<string>("document.title"), HOSTILE);
    await page.go(ofSession.url);
    assert.match(await page.evaluate<string>("document.body.innerText"), "<script>hacked()</script>");
    assert.match(await page.evaluate<string>("document.body.innerText"), UNSAFE);
    for (const { url } of [plain, versus, ofSession]) {
      await page.go(url);
      assert.is(await page.evaluate("typeof window.hacked"), "undefined");
      assert.is(await page.evaluate("document.querySelectorAll('script, img, u').length"), 0);
    }
  });

  test("figures on the page are those of the report", async () => {
    await page.go(plain.url);
    const text = await page.evaluate<string>("document.body.innerText");
    for (const { measured } of plain.report.rows) {
      const units = measured.units.block.toFixed(1).replace(/\B(?=(\d{3})+\.)/g, ",");
      assert.match(text, units);
    }
    assert.match(text, plain.report.machine.cpu);
    await page.go(versus.url);
    const ratio = versus.report.rows[0]?.comparison?.time.ratio ?? Number.NaN;
    assert.match(await page.evaluate<string>("document.body.innerText"), ratio.toFixed(3));
  });

  test("dark and light are told apart, and in both text stands out from its ground", async () => {
    const contrast = `(() => {
      const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map((one) => one / 255)
          .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const card = light(getComputedStyle(document.querySelector(".card")).backgroundColor);
      const of = (selector, property) => {
        const one = light(getComputedStyle(document.querySelector(selector))[property]);
        return (Math.max(one, card) + 0.05) / (Math.min(one, card) + 0.05);
      };
      return [card, of("td", "color"), of("th", "color"), of(".tick", "fill"), of(".bar", "fill"), of(".deadline-note", "fill")];
    })()`;
    await page.go(plain.url);
    const [paper = 0, ...onLight] = await page.evaluate<number[]>(contrast);
    await page.dark();
    const [night = 1, ...onDark] = await page.evaluate<number[]>(contrast);
    assert.ok(paper > 0.8 && night < 0.05, `${paper}, ${night}`);
    // WCAG 2: 4.5 for text.
    for (const value of [...onLight, ...onDark]) assert.ok(value >= 4.5, String([onLight, onDark]));
  });

  test("in all of that the browser asked for nothing but the pages, and had nothing to complain of", async () => {
    const pages = new Set([plain.url, versus.url, ofSession.url]);
    assert.equal(
      page.requests.filter((url) => !pages.has(url) && url !== "about:blank"),
      [],
    );
    assert.equal(page.complaints, []);
    await page.close();
  });
}

test.run();
