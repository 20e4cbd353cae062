"""The page's style sheet: light, fit for print, no sideways scrolling."""

STYLE = """
:root { --ink: #1d2a38; --soft: #5a6876; --line: #dde3ea; --card: #fff; --page: #f4f6f9; --good: #1a7f5a; --look: #a85a00; --none: #b3261e; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  -webkit-print-color-adjust: exact; print-color-adjust: exact; overflow-wrap: anywhere; }
header, main, footer { max-width: 1280px; margin: 0 auto; padding: 0 24px; }
header { display: flex; justify-content: space-between; align-items: center; gap: 24px; padding-top: 26px; padding-bottom: 14px; }
header p, footer p { margin: 2px 0 0; color: var(--soft); font-size: 14px; }
h1 { margin: 0; font-size: 25px; line-height: 1.25; font-weight: 650; }
h2 { margin: 0 0 8px; font-size: 18px; font-weight: 650; }
h3 { margin: 20px 0 8px; font-size: 15px; font-weight: 650; }
h3 span { font-weight: 400; color: var(--soft); margin-left: 6px; }
p { margin: 8px 0; }
.lead, .note { max-width: 105ch; color: #3b4855; }
.note { margin-top: 18px; }
.badge { flex: none; padding: 6px 14px; border: 1.5px solid var(--none); border-radius: 99px; color: var(--none); background: #fff; font-size: 14px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 20px 24px 22px; margin: 0 0 16px; }
.verdict { border-left: 7px solid var(--tone); }
.good { --tone: var(--good); } .look { --tone: var(--look); } .none, .bad { --tone: var(--none); }
.control { border-left: 7px solid var(--tone); } .control .headline { align-items: center; }
.green { --tone: var(--good); } .amber { --tone: var(--look); } .red { --tone: var(--none); }
.control .beside { margin-top: 6px; } .control h3 { margin-top: 10px; }
.headline { display: flex; gap: 16px; align-items: flex-start; }
.headline h2 { font-size: 21px; margin: 0; line-height: 1.35; }
.headline p { margin: 2px 0 0; color: var(--soft); }
.icon { flex: none; width: 38px; height: 38px; border-radius: 50%; background: var(--tone); color: #fff; font-size: 21px; font-weight: 700;
  line-height: 38px; text-align: center; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 18px 0 12px; }
.tile { flex: 1 1 128px; max-width: 300px; border: 1px solid var(--line); border-top: 3px solid #9fb0c2; border-radius: 8px; padding: 9px 13px 10px; background: #fafbfc;
  display: flex; flex-direction: column; }
.tile span, .tile small { display: block; color: var(--soft); font-size: 13px; line-height: 1.35; }
.tile b { margin-top: auto; font-size: 19px; font-weight: 650; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tile.better { border-top-color: var(--good); } .tile.better small, td.better { color: var(--good); }
.tile.worse { border-top-color: var(--none); } .tile.worse small, td.worse { color: var(--none); }
.warnings { background: #fff8ec; border-color: #efd9b0; }
ul { margin: 6px 0 0; padding-left: 20px; }
.reading ul { columns: 2; column-gap: 40px; }
.reading li { break-inside: avoid; margin-bottom: 6px; }
.row { display: flex; gap: 12px; margin-bottom: 6px; }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figcaption { font-size: 13px; color: var(--soft); margin-top: 4px; text-align: center; }
.panel { display: block; width: 100%; height: auto; border-radius: 5px; outline: 1px solid #c3ccd6; }
.void { fill: #000; }
.letters text, .bar text { font-size: 15px; font-weight: 700; fill: #fff; stroke: #000; stroke-width: 2.6px; paint-order: stroke; stroke-linejoin: round; }
.bar text { font-size: 12.5px; font-weight: 600; }
.bar path { fill: none; stroke: #fff; stroke-width: 2; }
.ticks { fill: none; stroke: #ffd84d; stroke-width: 1.6; }
.grid { fill: none; stroke: #6fe3ff; stroke-width: 1.15px; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.scale { display: flex; align-items: flex-start; gap: 28px; margin: 8px 0 10px; font-size: 13px; color: var(--soft); }
.gradient { width: 400px; max-width: 60vw; height: 13px; border: 1px solid #9fb0c2; border-radius: 3px; }
.labels { display: flex; justify-content: space-between; margin-top: 2px; }
.swatch i, .legend i { display: inline-block; width: 13px; height: 13px; border-radius: 3px; vertical-align: -2px; margin-right: 3px; border: 1px solid #9fb0c2; }
b.blue { color: #1f5fae; } b.red { color: #a8202c; }
.folding { padding: 8px 14px; border-left: 4px solid var(--good); background: #f0f8f4; }
.folding.some { border-color: #ff00ff; background: #fdf0fd; }
.chart { display: block; width: 100%; height: auto; }
.chart .axis { font-size: 13px; fill: #3b4855; } .chart .tick { font-size: 12px; fill: var(--soft); }
.level { fill: none; stroke: #d3dae2; stroke-width: 1; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 26px; padding: 0; margin: 10px 0 0; font-size: 14px; font-variant-numeric: tabular-nums; }
.legend b { font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid #e8ecf1; vertical-align: top; font-weight: 400; }
thead th { color: var(--soft); font-size: 13px; border-bottom: 1.5px solid #c3ccd6; }
.quality tbody th, .dice tbody th { font-weight: 600; }
.quality td:not(.meaning), .dice td { white-space: nowrap; }
.meaning { color: var(--soft); }
.pairs th { width: 40%; color: #3b4855; }
.settings tbody { display: block; columns: 3; column-gap: 34px; }
.settings.two tbody { columns: 2; }
.settings tr { display: flex; justify-content: space-between; break-inside: avoid; border-bottom: 1px solid #e8ecf1; }
.settings th, .settings td { border: 0; padding: 3px 0; } .settings td { text-align: right; font-weight: 600; padding-left: 12px; }
.settings th { color: #3b4855; } .stages { margin-top: 16px; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 0 40px; }
.beside table { max-width: 600px; }
footer { display: flex; gap: 18px; align-items: center; padding-top: 6px; padding-bottom: 32px; }
@media screen and (max-width: 760px) { .row { flex-wrap: wrap; } .row figure { flex-basis: 44% !important; }
  .reading ul, .settings tbody, .settings.two tbody { columns: 1; }
  header { flex-direction: column; align-items: flex-start; } .beside { grid-template-columns: 1fr; } }
@media print { body { background: #fff; font-size: 11px; } header, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  section { border-radius: 0; padding: 10px 14px; } h2, h3 { break-after: avoid; } .row, table tr, .verdict { break-inside: avoid; } .letters text, .bar text { font-size: 20px; } figcaption, .scale, .legend, table { font-size: 10px; } }
"""
