/** `burn report`: what happened in a period, and what a person must do now. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { PeriodReport } from '../../core/period-report.ts'
import { periodReport } from '../../decide/period-report.ts'
import { reportDocument } from '../../decide/report-document.ts'
import { reportHtml } from '../../decide/report-html.ts'
import { reportMarkdown, reportText } from '../../decide/report-text.ts'
import { command, done } from '../command.ts'
import { choice, optional, timeFrom, usage } from '../args.ts'

const formats = ['text', 'md', 'html', 'json'] as const
type Format = (typeof formats)[number]

export const reportCommand = command({
  args: {
    since: optional(
      '--since <when>',
      'Start of the period: an age such as 8h, a time of day such as 20:00, a date, or "yesterday" (default: 12h)',
    ),
    format: choice('--format <format>', 'Format of the report', formats, 'text'),
    output: optional('-o, --output <file>', 'File to write; burn replaces it (default: standard output)'),
  },
  examples: ['burn report', 'burn report --since 20:00', 'burn report --since yesterday --format html --output report.html'],
  notes: [
    'The report reads the ledger only. Times are UTC. The times of workers come from samples, which a dispatcher takes while it runs (burn dispatch --cycles 0).',
  ],
  async run({ open, clock, cwd, common }, { since, format, output }) {
    const { readReportFacts } = await import('../../observe/period.ts')
    const now = clock.now()
    const from = startOf(since ?? '12h', now)
    if (from >= now) throw usage('--since is in the future', 'write an age such as 8h, or an earlier time')
    const report = periodReport(await readReportFacts((await open()).session, from, now))
    if (output === undefined && (common.json || format === 'json')) return done<Shown>(report)
    const printed = printedAs(format, report)
    if (output === undefined) return done<Shown>({ text: printed })
    const file = resolve(cwd, output)
    await writeFile(file, printed, { mode: 0o600 })
    return done<Shown>({ file })
  },
  present(shown: Shown, io) {
    if ('text' in shown) io.write(shown.text)
    else if ('file' in shown) io.out(`wrote ${shown.file}`)
    else io.json(shown, true)
  },
})

type Shown = { readonly text: string } | PeriodReport | { readonly file: string }

function printedAs(format: Format, report: PeriodReport): string {
  if (format === 'json') return `${JSON.stringify(report, null, 2)}\n`
  const document = reportDocument(report)
  return { text: reportText, md: reportMarkdown, html: reportHtml }[format](document)
}

const day = 24 * 60 * 60_000

/** Returns the start of the period. A time of day is the last one before now, by the clock of this computer. */
function startOf(word: string, now: number): number {
  if (word === 'yesterday') return atTime(now - day, 0, 0)
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(word) ?? []
  if (hours === undefined) return timeFrom(word, now, -1)
  const today = atTime(now, Number(hours), Number(minutes))
  return today < now ? today : atTime(now - day, Number(hours), Number(minutes))
}

function atTime(time: number, hours: number, minutes: number): number {
  return new Date(time).setHours(hours, minutes, 0, 0)
}
