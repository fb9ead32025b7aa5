/** Prints the document of a report as one HTML file without scripts and without references to other files. */
import type { WorkerPeriod } from '../core/period-report.ts'
import type { Block, ReportDocument, ReportEntry } from './report-document.ts'
import { escapeHtml } from '../core/text.ts'
import { percent } from './report-lines.ts'

/** The policy forbids scripts, images, fonts, forms and requests. Only the file's own style applies. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/** Returns the report as HTML. It fits phones and paper, and follows the colour scheme of the reader. */
export function reportHtml({ title, subtitle, sections }: ReportDocument): string {
  const body = sections.map(
    ({ title: heading, blocks }) => `<section>\n<h2>${escapeHtml(heading)}</h2>\n${blocks.map(htmlOf).join('\n')}\n</section>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<header><h1>${escapeHtml(title)}</h1><p>${escapeHtml(subtitle)}</p></header>
${body.join('\n')}
</body>
</html>
`
}

function htmlOf(block: Block): string {
  if (block.kind === 'line') return `<p>${escapeHtml(block.text)}</p>`
  if (block.kind === 'list') return listOf(block)
  if (block.kind === 'timeline') return timeline(block.workers, block.since, block.until)
  const heads = block.heads.map((head) => `<th scope="col">${escapeHtml(head)}</th>`).join('')
  const rows = block.rows.map((row) => `<tr>${row.map(cellOf).join('')}</tr>`).join('\n')
  const table = `<div class="wide"><table><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table></div>`
  const count = block.rows.length
  return count > openRows ? folded(`table with ${count} rows`, table, count) : table
}

/** Returns a cell. Names break at their slashes. */
function cellOf(cell: string): string {
  return `<td>${escapeHtml(cell).replaceAll('/', '/<wbr>')}</td>`
}

/** Longer lists and tables are folded, so that the sections after them stay in reach. */
const openEntries = 12
const openRows = 30
/** On paper nobody can unfold a list, so a list is printed unless it would fill many pages. */
const printedEntries = 60

function listOf({ title, entries }: Extract<Block, { kind: 'list' }>): string {
  const list = (some: readonly ReportEntry[]) => `<ul>${some.map(entryOf).join('\n')}</ul>`
  const count = entries.length
  // A list without a title is the content of its section, such as what needs a person, so its first entries are never folded.
  const [shown, rest] = title === '' ? [entries.slice(0, openEntries), entries.slice(openEntries)] : [entries, []]
  if (rest.length > 0) return list(shown) + folded(`${rest.length} more`, list(rest), count)
  if (count > openEntries) return folded(title, list(entries), count)
  return title === '' ? list(entries) : `<h3>${escapeHtml(title)}</h3>${list(entries)}`
}

function folded(summary: string, content: string, count: number): string {
  const note = count > printedEntries ? '<span class="paper"> (burn report --json has all)</span>' : ''
  const printed = count > printedEntries ? '' : ' class="printed"'
  return `<details${printed}><summary>${escapeHtml(summary)}${note}</summary>${content}</details>`
}

function entryOf({ text: shown, detail, url }: ReportEntry): string {
  const link =
    url !== null && /^https?:\/\//.test(url) ? `<a href="${escapeHtml(url)}" rel="noreferrer">${escapeHtml(shown)}</a>` : escapeHtml(shown)
  return `<li>${link}${detail === '' ? '' : `<br><small>${escapeHtml(detail)}</small>`}</li>`
}

/** The classes of states. Other states have the class `bad`. */
const classes: Readonly<Record<string, string>> = { working: 'working', idle: 'idle', starting: 'idle', waiting: 'waiting' }

/** The maximum length of a worker's name. The end of a longer name tells workers apart. */
const maxName = 30

/** Draws a row for each worker: its name, its states over time, and its share of work. On a phone the name is above the states. */
function timeline(workers: readonly WorkerPeriod[], since: number, until: number): string {
  if (workers.length === 0) return ''
  const place = (time: number) => `${(((time - since) / (until - since)) * 100).toFixed(2)}%`
  const marks = timeMarks(since, until).map(({ at, label }) => ({ x: place(at), label }))
  const lines = marks.map(({ x }) => `<line x1="${x}" x2="${x}" y2="100%"/>`).join('')
  const rows = workers.map(({ worker, timeline: parts, utilisation }) => {
    const rects = parts.map(({ state, from, to }) => {
      const width = `${Math.max(0.1, ((to - from) / (until - since)) * 100).toFixed(2)}%`
      return `<rect class="${classes[state] ?? 'bad'}" x="${place(from)}" y="2" width="${width}" height="10"><title>${escapeHtml(state)}</title></rect>`
    })
    const name = worker.length > maxName ? `…${worker.slice(1 - maxName)}` : worker
    return `<div><b>${escapeHtml(name)}</b><svg>${lines}${rects.join('')}</svg><span>${percent(utilisation)}</span></div>`
  })
  const labels = marks.map(({ x, label }) => `<text x="${x}" y="10" text-anchor="middle">${label}</text>`).join('')
  const legend = [
    ['working', 'at work'],
    ['idle', 'idle'],
    ['waiting', 'waiting for an answer'],
    ['bad', 'in trouble'],
    ['blank', 'not observed'],
  ].map(([name, words]) => `<span><i class="${name}"></i>${words}</span>`)
  return `<div class="times" role="img" aria-label="States of the workers over time">${rows.join('\n')}
<div class="hours"><b></b><svg>${labels}</svg></div></div><p class="legend">${legend.join(' ')}</p>`
}

const minute = 60_000
const hour = 60 * minute
/** The steps (ms) between two marks of a timeline. */
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720].map((minutes) => minutes * minute)

/** Returns at most 13 marks at full hours, days or minutes. */
function timeMarks(since: number, until: number): { readonly at: number; readonly label: string }[] {
  const step = steps.find((each) => (until - since) / each <= 12) ?? Math.ceil((until - since) / 12 / (24 * hour)) * 24 * hour
  const marks: { at: number; label: string }[] = []
  for (let at = Math.ceil(since / step) * step; at <= until; at += step) {
    const time = new Date(at).toISOString()
    marks.push({ at, label: step >= 24 * hour ? time.slice(5, 10) : step >= hour ? `${time.slice(11, 13)}h` : time.slice(11, 16) })
  }
  return marks
}

const style = `
:root{--fg:#1d2129;--bg:#fff;--dim:#5b6472;--line:#d8dde5;--work:#2f7d4f;--idle:#c9d1dc;--wait:#d99a1b;--bad:#c23b3b;--link:#1f5fb8}
@media (prefers-color-scheme:dark){:root{--fg:#e4e7ec;--bg:#15181d;--dim:#9aa4b2;--line:#343b46;--work:#4fae77;--idle:#3d4653;--wait:#e0ab45;--bad:#e06c6c;--link:#7fb2ff}}
body{margin:0 auto;max-width:56rem;padding:1rem;font:15px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg);overflow-wrap:anywhere}
h1{font-size:1.6em;margin:0}h2{font-size:1.2em;margin:1.7em 0 .4em;border-bottom:1px solid var(--line);padding-bottom:.2em}h3{font-size:1em;margin:.9em 0 .2em}
summary{cursor:pointer;color:var(--link);padding:.15em 0}p{margin:.4em 0}
header p,small,.legend{color:var(--dim)}a{color:var(--link)}ul{padding-left:1.3em;margin:.3em 0}li{margin:.25em 0}
.wide{overflow-x:auto;margin:.5em 0 .9em}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92em}
th,td{padding:.15em .7em .15em 0;text-align:right;white-space:nowrap}th:first-child,td:first-child{text-align:left}th{color:var(--dim);font-weight:600;vertical-align:bottom}tbody tr{border-top:1px solid var(--line)}
.times{font-size:11px;line-height:14px}.times>div{display:grid;grid-template-columns:12.5rem 1fr 3.2em;column-gap:.6em}
.times b{font-weight:400;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}.times span{text-align:right}
.times svg{display:block;width:100%;height:14px;overflow:visible}svg text{fill:var(--fg);font-size:10px}svg line{stroke:var(--line)}
.working{fill:var(--work);background:var(--work)}.idle{fill:var(--idle);background:var(--idle)}.waiting{fill:var(--wait);background:var(--wait)}.bad{fill:var(--bad);background:var(--bad)}
.legend span{margin-right:1em;white-space:nowrap}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.3em;vertical-align:-1px;print-color-adjust:exact;-webkit-print-color-adjust:exact}.blank{outline:1px solid var(--line);outline-offset:-1px}
.paper{display:none}
@media (max-width:40rem){.times>div{grid-template-columns:1fr auto;margin-bottom:3px}.times svg{grid-column:1/-1;grid-row:2}.hours text:nth-child(even){display:none}
table{font-size:.82em}th,td{padding-right:.5em}td:first-child{white-space:normal;overflow-wrap:break-word;max-width:11em}}
@media print{body{max-width:none;padding:0;font-size:11px}h2,h3,summary,thead{break-after:avoid}li,tr,.times>div{break-inside:avoid}a{color:inherit;text-decoration:none}
summary{color:inherit;list-style:none}.paper{display:inline}.printed::details-content{content-visibility:visible;display:block;height:auto}.wide{overflow:visible}}
`
