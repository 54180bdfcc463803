// The page's style: readable on paper-white and on black, on a wide screen and on a telephone.

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f7f8fa; --card: #ffffff; --ink: #16202c; --quiet: #586474; --rule: #dde2e9;
  --first: #2467a8; --other: #b4521e; --good: #1f7a4d; --bad: #b3261e; --doubt: #8a6100; --deadline: #b3261e; --mark: #16202c; --floor: #6b7684;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10151c; --card: #18202a; --ink: #e8edf3; --quiet: #9aa7b6; --rule: #2c3744;
    --first: #5b9fdf; --other: #e58a55; --good: #5fc08c; --bad: #f2857d; --doubt: #e0b354; --deadline: #f2857d; --mark: #e8edf3; --floor: #8492a3;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif;
}
main { max-width: 1000px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 12px; }
h3 { font-size: 15px; margin: 26px 0 6px; font-weight: 600; overflow-wrap: anywhere; }
.card h3:first-child { margin-top: 0; }
p { margin: 6px 0; max-width: 68ch; overflow-wrap: anywhere; }
.quiet, footer { color: var(--quiet); font-size: 14px; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 16px 18px; margin: 14px 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 24px 0 8px; padding: 0; }
.tiles div { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px; }
.tiles dt { color: var(--quiet); font-size: 13px; }
.tiles dd { margin: 2px 0 0; font-size: 25px; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles dd small { display: block; font-size: 13px; font-weight: 400; color: var(--quiet); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 500; color: var(--quiet); padding: 4px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; vertical-align: bottom; }
td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
.left { text-align: left; }
td.name { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 8em; }
td.sub { padding-left: 18px; color: var(--quiet); }
.share { min-width: 110px; }
.share i { display: block; height: 10px; border-radius: 2px; background: var(--first); min-width: 1px; }
.faster { color: var(--good); font-weight: 600; } .slower { color: var(--bad); font-weight: 600; } .noisy { color: var(--doubt); font-weight: 600; }
figure { margin: 0; }
figcaption { font-size: 13px; color: var(--quiet); margin-top: 2px; }
figcaption i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; vertical-align: middle; margin: 0 5px 2px 0; background: var(--first); }
figcaption i.dot { width: 5px; height: 5px; border-radius: 50%; opacity: .45; }
svg { display: block; width: 100%; height: auto; font-size: 12px; overflow: visible; }
svg.narrow, .narrow { display: none; }
.tick { fill: var(--quiet); font-size: 12px; } .note { font-size: 12px; font-weight: 600; paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
.grid { stroke: var(--rule); stroke-width: 1; } .axis { stroke: var(--quiet); stroke-width: 1; }
.bar { fill: var(--first); } .bar:hover { fill: var(--ink); }
.best { fill: none; stroke: var(--first); stroke-width: 1.8; stroke-linejoin: round; }
.worst { fill: none; stroke: var(--first); stroke-width: 3.4; stroke-linecap: round; opacity: .38; }
.other .bar { fill: var(--other); } .other .best, .other .worst { stroke: var(--other); } .other figcaption i { background: var(--other); }
.mark { stroke: var(--mark); stroke-width: 1; stroke-dasharray: 4 3; } .mark-note { fill: var(--mark); }
.floor { stroke: var(--floor); stroke-width: 1; stroke-dasharray: 2 3; } .floor-note { fill: var(--floor); }
.deadline { stroke: var(--deadline); stroke-width: 1.5; } .deadline-note { fill: var(--deadline); }
.whisker { stroke: var(--first); stroke-width: 2.5; stroke-linecap: round; } .point { fill: var(--first); }
.one { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 3 3; } .control { fill: var(--rule); opacity: .7; }
@media (max-width: 640px) {
  main { padding: 24px 14px 48px; } h1 { font-size: 24px; } .card { padding: 12px 12px; }
  .wide { display: none; } .narrow { display: block; }
  .tiles { grid-template-columns: 1fr 1fr; } .tiles dd { font-size: 21px; }
}
`;
