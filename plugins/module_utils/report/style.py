# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style of report.html: a document first, on paper as on a phone."""

from __future__ import annotations

CSS = """
:root {
  --paper: #fff; --desk: #eceeef; --ink: #1b2228; --soft: #56616b; --line: #d8dde1; --faint: #f5f7f8;
  --pass: #17693f; --warn: #8a5800; --fail: #a61b29; --waived: #46509a; --skipped: #5d6872; --error: #7d2a86;
  --text: "Helvetica Neue", "Segoe UI", Helvetica, Arial, "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
    "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei", sans-serif;
  --display: Charter, "Bitstream Charter", "Iowan Old Style", "Palatino Linotype", Georgia, "Liberation Serif",
    "Songti SC", "Noto Serif CJK SC", serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", "PingFang SC",
    "Microsoft YaHei", "Noto Sans CJK SC", monospace;
}
:lang(zh) { --display: var(--text); }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--desk); color: var(--ink); font: 1rem/1.55 var(--text); overflow-wrap: anywhere; }
main { max-width: 60rem; margin: 2.5rem auto; padding: 4rem 4.5rem 3rem; background: var(--paper);
  border: 1px solid var(--line); }
.sprite { position: absolute; }
h1, h2, h3, h4, p, dl, dd, pre { margin: 0; }
h1, h2 { font-family: var(--display); font-weight: 600; line-height: 1.2; text-wrap: balance; }
h1 { font-size: 2.6rem; letter-spacing: -.01em; margin: .35rem 0 1.75rem; }
h2 { font-size: 1.55rem; margin-bottom: 1rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .25rem; }
h4 { font-size: 1rem; }
main > section { margin-top: 3.5rem; }
main > .verdict { margin-top: 2.5rem; }
main > .verdict + section { margin-top: 2rem; }
.kind { color: var(--soft); }
.note { color: var(--soft); font-size: .9rem; font-weight: 400; }
.prose { max-width: 44rem; text-wrap: pretty; }
.prose + .prose { margin-top: .6rem; }
.note.print { display: none; }
code, pre { font-family: var(--mono); font-size: .82em; }
a { color: inherit; text-underline-offset: .2em; text-decoration-color: var(--soft); }
:focus-visible { outline: 2px solid var(--waived); outline-offset: 2px; }
dt { color: var(--soft); }

/* Signs: shape, word and colour say the same */
.icon { width: 1em; height: 1em; flex: none; fill: currentColor; stroke: none; }
.icon, .sprite { overflow: visible; }
.k { fill: none; stroke: var(--paper); stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round; }
.o { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; }
.dash { stroke-dasharray: 2.6 2.6; }
.tag { display: inline-flex; align-items: baseline; gap: .45em; font-weight: 600; }
.tag .icon { position: relative; top: .12em; }
.tag.s-pass, .tally .s-pass dt, .verdict.passed > .icon { color: var(--pass); }
.tag.s-warn, .tally .s-warn dt { color: var(--warn); }
.tag.s-fail, .tally .s-fail dt, .verdict.failed > .icon { color: var(--fail); }
.tag.s-waived, .tally .s-waived dt { color: var(--waived); }
.tag.s-error, .tally .s-error dt { color: var(--error); }
.tag.s-skipped, .tag.s-not_covered, .tally .s-skipped dt { color: var(--skipped); }

/* Head, verdict, summary */
.facts-line { display: flex; flex-wrap: wrap; gap: 1rem 3rem; padding-top: 1.1rem; border-top: 2px solid var(--ink); }
.facts-line dt { font-size: .85rem; }
.verdict { display: flex; gap: 1.5rem; align-items: center; padding: 1.75rem 2rem; border: 1px solid var(--line);
  background: var(--faint); }
.verdict > .icon { width: 4rem; height: 4rem; }
.verdict .k { stroke: var(--faint); stroke-width: 1.5; }
.verdict h2 { font-size: 2.1rem; margin: .1rem 0 .3rem; }
.verdict.passed h2, .verdict.passed strong { color: var(--pass); }
.verdict.failed h2, .verdict.failed strong { color: var(--fail); }
.quiet { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); }
.tally { display: grid; grid-template-columns: repeat(6, 1fr); gap: 1rem; }
.tally > div { display: flex; flex-direction: column-reverse; }
.tally dt { display: flex; align-items: center; gap: .45em; font-size: .9rem; }
.tally dd { font: 600 2rem/1.2 var(--display); font-variant-numeric: lining-nums tabular-nums; }
.tally .zero dt, .tally .zero dd { color: var(--soft); font-weight: 400; }

/* Tables */
table { width: 100%; border-collapse: collapse; }
th, td { padding: .6rem 1rem .6rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th, thead td { padding-top: 0; color: var(--soft); font-size: .85rem; font-weight: 400;
  border-bottom-color: var(--soft); }
tbody th { font-weight: 600; }
td.number { width: 2rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.areas .counts { width: 17rem; color: var(--soft); }
.hosts .counts { width: 14rem; color: var(--soft); }
thead .counts, thead .state { color: var(--soft); }
.areas .state, .hosts .state { width: 13rem; }
.hosts th:first-child { width: 8rem; }
.figure { text-align: right; font-variant-numeric: tabular-nums; }
.grades { margin-top: 1.25rem; }
.grades th { font-weight: 400; }
.grades tbody tr:last-child > * { font-weight: 600; border-bottom: 0; }

/* Findings */
.finding { margin-top: 1rem; padding: 1.1rem 1.4rem 1.2rem; border: 1px solid var(--line); }
.finding.s-fail { border-color: var(--fail); }
.finding.s-error { border-color: var(--error); }
.finding .line { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin-bottom: .5rem; }
.id { color: var(--soft); }
.facts { margin-top: .7rem; font-size: .92rem; }
.facts > div { display: grid; grid-template-columns: 7rem 1fr; gap: 0 1rem; padding: .2rem 0; }
.facts dd { min-width: 0; white-space: pre-line; }
pre { white-space: pre-wrap; background: var(--faint); padding: .5rem .7rem; max-height: 24rem; overflow: auto; }

/* Results */
.host h3 { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; margin: 2.5rem 0 .9rem;
  font-size: 1.2rem; }
.host h3 .tag { font-size: .95rem; }
.results .grade { width: 4.5rem; }
.results .state { width: 8rem; }
.results .title { display: inline; margin-right: .6em; font-weight: 600; }
.results tr.role th { padding-top: 1.1rem; color: var(--soft); font-weight: 400; }
summary { cursor: pointer; color: var(--soft); font-size: .92rem; margin-top: .1rem; }
summary:hover { color: var(--ink); }
details[open] { padding-bottom: .3rem; }

/* Signatures */
.bound { margin-top: .6rem; font-weight: 600; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 3.5rem; margin-top: 1.5rem; }
.side h3 { margin: 0; font-size: 1rem; }
.party { color: var(--soft); }
.side div { display: flex; align-items: flex-end; height: 3rem; border-bottom: 1px solid var(--ink); }
.side div.signature { height: 5rem; }
.side span { color: var(--soft); font-size: .85rem; padding-bottom: .2rem; }
footer { margin-top: 3rem; color: var(--soft); font-size: .82rem; }

@media screen and (max-width: 44rem) {
  main { margin: 0; padding: 1.75rem 1.15rem 2rem; border: 0; }
  h1 { font-size: 1.9rem; }
  h2 { font-size: 1.35rem; }
  main > section { margin-top: 2.75rem; }
  .facts-line { display: grid; gap: .7rem; }
  .verdict { padding: 1.15rem; gap: 1rem; align-items: flex-start; }
  .verdict > .icon { width: 2.5rem; height: 2.5rem; }
  .verdict h2 { font-size: 1.55rem; }
  .tally { grid-template-columns: repeat(3, 1fr); }
  .facts > div { grid-template-columns: 1fr; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, th, td { display: block; }
  tbody th:first-child, th, td, .areas .counts, .areas .state, .hosts .counts, .hosts .state, td.number,
  .hosts th:first-child { width: auto; padding: 0; border: 0; }
  tr { padding: .8rem 0; border-bottom: 1px solid var(--line); }
  .areas tr { display: grid; grid-template-columns: 1.6rem 1fr; }
  .areas tr > * { grid-column: 2; }
  .areas .number { grid-column: 1; }
  .areas .nothing { display: none; }
  .results .title, .results .id { display: block; margin: 0; }
  .results tr { display: grid; grid-template-columns: auto 1fr; gap: .1rem .8rem; }
  .results .check { grid-column: 1 / -1; grid-row: 2; }
  .results .state { grid-column: 1; grid-row: 1; width: auto; }
  .results .grade { grid-column: 2; grid-row: 1; width: auto; color: var(--soft); }
  .results tr.role th { grid-column: 1 / -1; padding: .6rem 0 0; }
  .grades td { display: flex; justify-content: space-between; text-align: left; }
  .grades td::before { content: attr(data-label); color: var(--soft); }
  .sides { grid-template-columns: 1fr; gap: 2.5rem; }
}

@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #171b1f; --desk: #0f1214; --ink: #e6e9ec; --soft: #a3adb6; --line: #343c43; --faint: #1e2429;
    --pass: #6cc797; --warn: #e0b050; --fail: #f28b8b; --waived: #a3adf2; --skipped: #a3adb6; --error: #d79be0;
  }
}

@page { size: A4; margin: 18mm 17mm 20mm; @bottom-right { content: counter(page) " / " counter(pages);
  font: 8pt sans-serif; color: #56616b; } }
@media print {
  html { font-size: 9.5pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { background: none; line-height: 1.45; }
  main { max-width: none; margin: 0; padding: 0; border: 0; }
  h1 { font-size: 25pt; }
  h2 { font-size: 15pt; margin-bottom: 3mm; }
  h1 { margin-bottom: 7mm; }
  main > section { margin-top: 9mm; }
  main > .verdict, main > .verdict + section { margin-top: 6mm; }
  #findings.some { break-before: page; }
  h2, h3, h4, .note, .role { break-after: avoid; }
  tr, .finding, .facts > div, .verdict, .side { break-inside: avoid; }
  #signatures { break-inside: avoid; }
  th, td { padding-top: 1.6mm; padding-bottom: 1.6mm; }
  .results tbody { break-inside: avoid; }
  .host h3 { margin-top: 6mm; }
  .note.screen, details > .facts { display: none; }
  .note.print { display: block; }
  summary { list-style: none; }
  summary::-webkit-details-marker { display: none; }
  a { text-decoration: none; }
  pre { max-height: none; overflow: visible; }
  .side div.signature { height: 22mm; }
}
"""
