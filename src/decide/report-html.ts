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
  const rows = block.rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`).join('\n')
  const table = `<div class="wide"><table><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table></div>`
  return block.rows.length > openRows ? folded(`table with ${block.rows.length} rows`, table) : table
}

/** Longer lists and tables are folded, so that the sections after them stay in reach. */
const openEntries = 12
const openRows = 30

function listOf({ title, entries }: Extract<Block, { kind: 'list' }>): string {
  const list = `<ul>${entries.map(entryOf).join('\n')}</ul>`
  if (entries.length > openEntries) return folded(title === '' ? `${entries.length} entries` : title, list)
  return title === '' ? list : `<p>${escapeHtml(title)}</p>${list}`
}

function folded(summary: string, content: string): string {
  return `<details><summary>${escapeHtml(summary)}</summary>${content}</details>`
}

function entryOf({ text: shown, detail, url }: ReportEntry): string {
  const link =
    url !== null && /^https?:\/\//.test(url) ? `<a href="${escapeHtml(url)}" rel="noreferrer">${escapeHtml(shown)}</a>` : escapeHtml(shown)
  return `<li>${link}${detail === '' ? '' : `<br><small>${escapeHtml(detail)}</small>`}</li>`
}

/** The classes of states. Other states have the class `bad`. */
const classes: Readonly<Record<string, string>> = { working: 'working', idle: 'idle', starting: 'idle', waiting: 'waiting' }

const row = 14
const labels = 190
const bars = 600

/** Draws one bar per worker: its states over time, and its share of work. */
function timeline(workers: readonly WorkerPeriod[], since: number, until: number): string {
  if (workers.length === 0) return ''
  const x = (time: number) => (((time - since) / (until - since)) * bars).toFixed(1)
  const lines = workers.map(({ worker, timeline: parts, utilisation }, index) => {
    const y = index * row
    const rects = parts.map(({ state, from, to }) => {
      const width = Math.max(0.5, Number(x(to)) - Number(x(from))).toFixed(1)
      return `<rect class="${classes[state] ?? 'bad'}" x="${labels + Number(x(from))}" y="${y + 2}" width="${width}" height="${row - 4}"><title>${escapeHtml(state)}</title></rect>`
    })
    const name = worker.length > 30 ? `…${worker.slice(-29)}` : worker
    return `<text x="0" y="${y + row - 4}">${escapeHtml(name)}</text>${rects.join('')}<text x="${labels + bars + 6}" y="${y + row - 4}">${percent(utilisation)}</text>`
  })
  const hours = hourMarks(since, until).map(({ at, label }) => {
    const place = labels + Number(x(at))
    return `<line x1="${place}" x2="${place}" y1="0" y2="${workers.length * row}"/><text x="${place}" y="${workers.length * row + 12}" text-anchor="middle">${label}</text>`
  })
  const legend = [
    ['working', 'at work'],
    ['idle', 'idle'],
    ['waiting', 'waiting for an answer'],
    ['bad', 'in trouble'],
  ].map(([name, words]) => `<span><i class="${name}"></i>${words}</span>`)
  return `<div class="wide"><svg viewBox="0 0 ${labels + bars + 50} ${workers.length * row + 18}" role="img" aria-label="States of the workers over time">${hours.join('')}${lines.join('\n')}</svg></div><p class="legend">${legend.join(' ')}</p>`
}

const hour = 3_600_000

/** Returns at most 13 marks at full hours. */
function hourMarks(since: number, until: number): { readonly at: number; readonly label: string }[] {
  const step = Math.max(1, Math.ceil((until - since) / hour / 12)) * hour
  const marks: { at: number; label: string }[] = []
  for (let at = Math.ceil(since / step) * step; at <= until; at += step)
    marks.push({ at, label: `${new Date(at).toISOString().slice(11, 13)}h` })
  return marks
}

const style = `
:root{--fg:#1d2129;--bg:#fff;--dim:#5b6472;--line:#d8dde5;--work:#2f7d4f;--idle:#c9d1dc;--wait:#d99a1b;--bad:#c23b3b;--link:#1f5fb8}
@media (prefers-color-scheme:dark){:root{--fg:#e4e7ec;--bg:#15181d;--dim:#9aa4b2;--line:#343b46;--work:#4fae77;--idle:#3d4653;--wait:#e0ab45;--bad:#e06c6c;--link:#7fb2ff}}
body{margin:0 auto;max-width:56rem;padding:1rem;font:15px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg);overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:1.6rem 0 .4rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
summary{cursor:pointer;color:var(--link);padding:.15rem 0}p{margin:.4rem 0}
header p,small,.legend{color:var(--dim)}a{color:var(--link)}ul{padding-left:1.2rem;margin:.4rem 0}li{margin:.25rem 0}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.15rem .6rem .15rem 0;text-align:right;white-space:nowrap}th:first-child,td:first-child{text-align:left}th{color:var(--dim);font-weight:600}tbody tr{border-top:1px solid var(--line)}
svg{width:100%;min-width:40rem;font-size:10px}svg text{fill:var(--fg)}svg line{stroke:var(--line)}
.working{fill:var(--work);background:var(--work)}.idle{fill:var(--idle);background:var(--idle)}.waiting{fill:var(--wait);background:var(--wait)}.bad{fill:var(--bad);background:var(--bad)}
.legend span{margin-right:1rem}.legend i{display:inline-block;width:.8rem;height:.8rem;margin-right:.3rem;vertical-align:-1px}
@media print{body{max-width:none;font-size:11px}section{break-inside:avoid-page}a{color:inherit}}
`
