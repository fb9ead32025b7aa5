/** The formats of a report: lists, tables, timelines and foreign text. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkerPeriod } from '../../src/core/period-report.ts'
import type { Block, ReportDocument } from '../../src/decide/report-document.ts'
import { textWidth } from '../../src/core/width.ts'
import { reportHtml } from '../../src/decide/report-html.ts'
import { reportMarkdown, reportText } from '../../src/decide/report-text.ts'

const minute = 60_000
const at = Date.UTC(2026, 10, 28, 5, 20)
const documentOf = (...blocks: readonly Block[]): ReportDocument => ({ title: 'T', subtitle: 'S', sections: [{ title: 'Done', blocks }] })
const listOf = (count: number, title = ''): Block => {
  return { kind: 'list', title, entries: Array.from({ length: count }, (_, index) => ({ text: `entry ${index}.`, detail: '', url: null })) }
}

test('reports: text cuts long lists, and HTML folds them', () => {
  const document = documentOf(listOf(40, 'failed: 40'))
  for (const printed of [reportText(document), reportMarkdown(document)]) {
    assert.match(printed, /- and 10 more: burn report --json/)
    assert.doesNotMatch(printed, /entry 30/)
  }
  assert.match(reportHtml(document), /<details class="printed"><summary>failed: 40<\/summary><ul>/)
})

test('HTML: folds a long list, but not on paper', () => {
  const html = reportHtml(documentOf(listOf(20)))
  const [shown = '', folded = ''] = html.split('<details class="printed"><summary>8 more</summary>')
  assert.match(shown, /entry 0\.[^]*entry 11\./)
  assert.match(folded, /^<ul><li>entry 12\.[^]*entry 19\./)
  assert.match(html, /@media print\{[^]*\.printed::details-content\{content-visibility:visible/)
  // A list that would fill many pages stays folded, and says so on paper.
  const long = reportHtml(documentOf(listOf(200, 'done: 200')))
  assert.match(long, /<details><summary>done: 200<span class="paper"> \(burn report --json has all\)<\/span>/)
})

test('HTML: draws the states of a worker in its period', () => {
  const states = { unobserved: 0 }
  const worker: WorkerPeriod = {
    worker: `machine/${'L'.repeat(40)}/<ANN>`,
    lane: 'code',
    states,
    utilisation: 0.5,
    idle_while_ready: null,
    opened: 0,
    done: 0,
    failed: 0,
    timeline: [{ state: 'working', from: at, to: at + 20 * minute }],
  }
  const html = reportHtml(documentOf({ kind: 'timeline', since: at, until: at + 40 * minute, workers: [worker] }))
  assert.match(html, /<b>…L+\/&#60;ANN&#62;<\/b><svg>.*<rect class="working" x="0\.00%" y="2" width="50\.00%" [^]*<span>50 %<\/span>/)
  // A short period has marks at minutes.
  assert.match(html, /<text x="25\.00%" y="10" text-anchor="middle">05:30<\/text>/)
  const weeks = reportHtml(documentOf({ kind: 'timeline', since: at, until: at + 30 * 24 * 60 * minute, workers: [worker] }))
  assert.match(weeks, />1[12]-\d\d<\/text>/)
})

test('text: wide characters fit 80 columns', () => {
  const wide = '漢字'.repeat(60)
  const document = documentOf(
    { kind: 'list', title: '', entries: [{ text: `o/a#1 ${wide}`, detail: `${wide} ${wide}`, url: null }] },
    { kind: 'table', heads: ['ISSUE', 'TOKENS'], rows: [[`o/${wide}#1`, '2.0 k']] },
  )
  const lines = reportText({ ...document, subtitle: `${wide} and ${wide}` }).split('\n')
  for (const line of lines) assert.ok(textWidth(line) <= 80, `${textWidth(line)}: ${line}`)
  assert.equal(lines.join('').split('漢').length - 1, 5 * 60 + lines.at(-2)!.split('漢').length - 1, 'only the table cuts the text')
  assert.match(lines.at(-2)!, /^ {2}….*漢字#1 {2,} 2\.0 k$/)
})

test('Markdown: foreign text links and mentions nothing on a forge', () => {
  const text = 'see https://evil.test and www.evil.test @team #3 `x` <b>'
  const markdown = reportMarkdown(documentOf({ kind: 'list', title: '', entries: [{ text, detail: '', url: 'https://forge.test/o/a/3' }] }))
  assert.doesNotMatch(markdown, /:\/\/evil|www\.e|@t|#3/)
  assert.match(markdown, /^- \[see [^]*\]\(https:\/\/forge\.test\/o\/a\/3\)$/m)
})
