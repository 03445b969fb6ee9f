"""How a report looks, in light and dark and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f3f4f7; --panel: #ffffff; --line: #e0e3e9; --text: #1d222b; --text-2: #5a6474; --track: #e6e9ef;
  --before: #9aa3b2; --now: #1f60c4; --good: #2f7d29; --bad: #c4162a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1217; --panel: #171b22; --line: #2b323d; --text: #e3e6ec; --text-2: #9aa3b2; --track: #262c36;
    --before: #6c7687; --now: #5794f2; --good: #73bf69; --bad: #f2495c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1240px; padding: 24px 20px 60px; background: var(--page); color: var(--text);
  font: 14px/1.5 Inter, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
}
h1 { font-size: 24px; margin: 0; } h2 { font-size: 17px; margin: 34px 0 10px; } h3 { font-size: 15px; margin: 0; }
h4 { font-size: 12px; margin: 14px 0 4px; color: var(--text-2); font-weight: 600; }
p { margin: 6px 0; } a { color: var(--now); text-decoration: none; } a:hover { text-decoration: underline; }
.quiet { color: var(--text-2); } .name { overflow-wrap: anywhere; } td .name { display: inline-block; min-width: 8em; }
.panel, details { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 10px; margin-top: 18px; }
.tile b { display: block; font-size: 22px; line-height: 1.3; } .tile svg { margin-top: 6px; }
.badge { border-radius: 10px; padding: 1px 9px; font-size: 12px; font-weight: 600; border: 1px solid currentColor; }
.is-bad { color: var(--bad); } .is-good { color: var(--good); }
.scroll, details { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--text-2); font-weight: 600; font-size: 12px; white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; } .n { text-align: right; white-space: nowrap; }
details { margin-top: 10px; } summary { cursor: pointer; } summary h3 { display: inline; margin-right: 8px; }
.halves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 8px 36px; }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 5px 0 12px; }
.key.before, .key.now { background: var(--before); } .key.now { background: var(--now); }
svg { display: block; max-width: 100%; height: auto; font-size: 12px; }
rect.before { fill: var(--before); } rect.now { fill: var(--now); } .track { fill: var(--track); }
rect.good { fill: var(--good); } rect.bad { fill: var(--bad); }
.limit { stroke: var(--text); stroke-width: 2; } .grid { stroke: var(--line); } .mark { fill: var(--text-2); }
.line { fill: none; stroke-width: 2; } .before-line { stroke: var(--before); } .now-line { stroke: var(--now); }
.label { fill: var(--text-2); } .value { fill: var(--text); font-variant-numeric: tabular-nums; }
@media print { body { max-width: none; } details { break-inside: avoid; } }
"""
