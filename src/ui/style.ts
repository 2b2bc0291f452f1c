/** The styles of the page: one column on a phone, several on a screen; light and dark as the browser prefers. */
export const style = `:root {
  color-scheme: light dark;
  --back: #f3f5f8; --card: #fff; --line: #d5dbe3; --text: #17212e; --quiet: #566273; --accent: #0b57b0; --on-accent: #fff;
  --good: #12703a; --good-back: #e3f4e9; --warn: #8a4b00; --warn-back: #fdf0d8; --bad: #b3201c; --bad-back: #fce8e6;
  --bar: #2f7de1; --hover: #eaf1fb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0e141b; --card: #17202a; --line: #313e4d; --text: #e7edf4; --quiet: #a3b1c2; --accent: #86bbff; --on-accent: #0b1420;
    --good: #6fd697; --good-back: #14301f; --warn: #f3b95f; --warn-back: #35270f; --bad: #ff9c94; --bad-back: #3d1b1a;
    --bar: #5aa2ff; --hover: #1f2d3d;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
code { font-family: ui-monospace, "Cascadia Mono", Menlo, monospace; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 }
h2 { font-size: 1.05rem; margin: 0 0 .6rem }
h3 { font-size: .95rem; margin: .6rem 0 .2rem; font-weight: 600 }
p, ul, ol, dl, dd, figure { margin: 0 }
a { color: var(--accent) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
main:focus { outline: none }
.quiet { color: var(--quiet) }
.small { font-size: .85rem }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.good-text { color: var(--good) } .warn-text { color: var(--warn) } .bad-text { color: var(--bad) }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.skip { position: absolute; left: -99rem }
.skip:focus { left: .5rem; top: .5rem; background: var(--card); padding: .5rem; z-index: 2 }
.bar-top { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1.25rem; padding: .6rem max(1rem, calc(50vw - 40rem));
  background: var(--card); border-bottom: 1px solid var(--line) }
.brand { font-weight: 700 }
.bar-top nav { display: flex; gap: .25rem; margin-right: auto }
.bar-top nav a { padding: .3rem .7rem; border-radius: .4rem; text-decoration: none; color: var(--text) }
.bar-top nav a:hover { background: var(--hover) }
.bar-top nav a[aria-current] { background: var(--accent); color: var(--on-accent) }
.choice { display: flex; align-items: center; gap: .5rem }
main { max-width: 82rem; margin: 0 auto; padding: 1rem; display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr) }
main > section, main > article { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr) }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.1rem; min-width: 0 }
.columns { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); align-items: start }
@media (min-width: 56rem) { .columns.two { grid-template-columns: minmax(0, 2fr) minmax(0, 1fr) } }
.columns > div { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr) }
label { font-weight: 600; font-size: .9rem }
input, select, button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--quiet); border-radius: .4rem;
  padding: .45rem .7rem; min-width: 0 }
button { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer; white-space: nowrap }
button:disabled { background: transparent; border-color: var(--line); color: var(--quiet); cursor: default }
button.plain { background: transparent; color: var(--accent) }
.row { display: flex; gap: .5rem }
.row input { flex: 1 }
.search { position: relative }
.search [role="listbox"] { position: absolute; z-index: 1; left: 0; right: 0; margin-top: .25rem; padding: .25rem; list-style: none; max-height: 24rem;
  overflow: auto; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; box-shadow: 0 8px 24px rgb(0 0 0 / .2) }
.search [role="option"] { display: flex; flex-wrap: wrap; gap: 0 .8rem; padding: .4rem .6rem; border-radius: .35rem; cursor: pointer }
.search [role="option"] .name { color: var(--quiet); flex: 1 }
.search [role="option"]:hover, .search [aria-selected="true"] { background: var(--hover) }
.search > p { min-height: 1.5rem; font-size: .85rem }
.headline { display: grid; gap: .8rem 2rem; grid-template-columns: minmax(0, 1fr) }
.tags { display: flex; flex-wrap: wrap; gap: .4rem; margin-top: .5rem }
.tag { font-size: .8rem; padding: .05rem .5rem; border-radius: 1rem; border: 1px solid var(--line); background: var(--back); white-space: nowrap }
.tag.good { color: var(--good); background: var(--good-back); border-color: transparent }
.tag.warn { color: var(--warn); background: var(--warn-back); border-color: transparent }
.tag.bad { color: var(--bad); background: var(--bad-back); border-color: transparent }
.label { font-size: .85rem; color: var(--quiet) }
.big { font-size: 3.6rem; line-height: 1; font-weight: 700; font-variant-numeric: tabular-nums }
.big.zero { color: var(--bad) }
.spark svg { display: block; width: 100%; height: 3rem }
.spark path { fill: none; stroke: var(--bar); stroke-width: 2; vector-effect: non-scaling-stroke }
.spark figcaption { font-size: .8rem }
.issues { padding-left: 1.2rem; margin-top: .4rem }
.quantities { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); gap: .5rem; border-top: 1px solid var(--line); padding-top: .8rem }
.quantities dt { font-size: .8rem; color: var(--quiet) }
.quantities dd { font-weight: 600; font-variant-numeric: tabular-nums }
@media (min-width: 56rem) {
  .headline { grid-template-columns: minmax(0, 1.4fr) auto minmax(14rem, 1fr) }
  .trust, .quantities { grid-column: 1 / -1 }
}
.light { display: inline-block; width: .75em; height: .75em; border-radius: 50%; margin-right: .35em }
.light.good { background: var(--good) }
.light.warn { background: var(--warn); border-radius: 0; transform: rotate(45deg) scale(.85) }
.light.bad { background: var(--bad); border-radius: 0 }
.bars { list-style: none; padding: 0; display: grid; gap: .7rem }
.bars li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .1rem .6rem }
.bars .bar, .bars .quiet { grid-column: 1 / -1 }
.bars .bar { background: var(--back); border-radius: .3rem; height: .6rem; overflow: hidden }
.bars .bar span { display: block; height: 100%; background: var(--bar); border-radius: .3rem }
.changes { max-height: 16rem; overflow: auto; font-variant-numeric: tabular-nums }
.changes ol { list-style: none; padding: 0; display: grid; gap: .25rem }
.changes li { display: flex; flex-wrap: wrap; gap: 0 .8rem }
.changes time { color: var(--quiet) }
.scroll { overflow-x: auto }
@media (max-width: 40rem) { .wide-only { display: none } }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: baseline }
thead th { font-size: .8rem; color: var(--quiet); font-weight: 600 }
tbody th { font-weight: 400 }
tbody tr:last-child > * { border-bottom: 0 }
th.number, td.number { text-align: right }
tr.scarce > * { background: var(--warn-back) }
td code { white-space: nowrap }
.changed { color: var(--warn) }
.links { padding-left: 1.2rem }
.note { border-radius: .5rem; padding: .6rem .9rem; border: 1px solid var(--line) }
.note.bad { background: var(--bad-back); border-color: var(--bad) } .note.bad h2 { color: var(--bad) }
.note.warn { background: var(--warn-back); color: var(--warn); border-color: transparent; margin-bottom: .6rem }
.note.good { background: var(--good-back); color: var(--good); border-color: transparent }
.note.bad .quiet { color: inherit }
.note button { margin-top: .5rem }
.filters { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end }
.filters p { display: grid; flex: 1 1 10rem }
.pages { display: flex; align-items: center; gap: 1rem; justify-content: end }
.key { max-width: 34rem; display: grid; gap: .7rem }
.facts { display: grid; gap: .35rem }
.facts div { display: grid; grid-template-columns: 10rem minmax(0, 1fr); gap: .1rem .6rem }
@media (max-width: 30rem) { .facts div { grid-template-columns: minmax(0, 1fr) } .facts dd { padding-left: 1.3rem } }
.facts dd { overflow-wrap: anywhere }
`
