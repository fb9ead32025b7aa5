/** `burn report`: what happened in a period, and what a person must do now. */
import { resolve } from 'node:path'
import type { PeriodReport } from '../../core/period-report.ts'
import type { Notification } from '../../core/notify.ts'
import type { Session } from '../../observe/session.ts'
import { BurnError } from '../../core/errors.ts'
import { withIsoTimes } from '../../core/iso-times.ts'
import { periodReport } from '../../decide/period-report.ts'
import { reportDocument } from '../../decide/report-document.ts'
import { reportHtml } from '../../decide/report-html.ts'
import { reportMarkdown, reportText } from '../../decide/report-text.ts'
import { writePrivateFile } from '../../host/private-files.ts'
import { command, done, exitFor } from '../command.ts'
import { notifySettings } from './notify.ts'
import { choice, flag, optional, timeFrom, usage } from '../args.ts'

const formats = ['text', 'md', 'html', 'json'] as const
type Format = (typeof formats)[number]

export const reportCommand = command({
  args: {
    since: optional(
      '--since <when>',
      'Start of the period: an age such as 8h, a time of day such as 20:00, a date, or "yesterday" (default: 12h)',
    ),
    format: choice('--format <format>', 'Format of the report', formats, 'text'),
    send: flag('--send', 'Send the report to the channels of "notify.report" in the spec, and do not print it'),
    output: optional('-o, --output <file>', 'File to write; burn replaces it (default: standard output)'),
  },
  examples: [
    'burn report',
    'burn report --since 20:00',
    'burn report --since yesterday --format html --output report.html',
    'burn report --send',
  ],
  notes: [
    'The report reads the ledger only. Times are UTC. The times of workers come from samples, which a dispatcher takes while it runs (burn start).',
    'Exit codes of --send: 0 each channel got the report or gets it soon, 1 none did, 2 usage or spec error, 3 some did not. burn retries those.',
  ],
  async run({ open, clock, cwd, common }, { since, format, output, send }) {
    const { readReportFacts } = await import('../../observe/period.ts')
    const now = clock.now()
    const from = startOf(since ?? '12h', now)
    if (from >= now) throw usage('--since is in the future', 'write an age such as 8h, or an earlier time')
    if (send) {
      if (output !== undefined || format !== 'text')
        throw usage(
          '--send goes with neither --output nor --format',
          'channels get the report as text; run burn report once with each option',
        )
      return sendNow((await open()).session, from)
    }
    const report = periodReport(await readReportFacts((await open()).session, from, now))
    if (output === undefined && (common.json || format === 'json')) return done<Shown>(report)
    const printed = printedAs(format, report)
    if (output === undefined) return done<Shown>({ text: printed })
    const file = resolve(cwd, output)
    await writePrivateFile(file, printed)
    return done<Shown>({ file })
  },
  present(shown: Shown, io) {
    if ('sent' in shown)
      io.out(...shown.sent.map(({ channel, state, error }) => `${channel}: ${stateWords[state]}${error === null ? '' : `: ${error}`}`))
    else if ('text' in shown) io.write(shown.text)
    else if ('file' in shown) io.out(`wrote ${shown.file}`)
    else io.json(withIsoTimes(shown), true)
  },
})

type Shown = { readonly text: string } | PeriodReport | { readonly file: string } | { readonly sent: readonly SentReport[] }

/** The state of a report for one channel. */
interface SentReport {
  readonly channel: string
  readonly id: string
  readonly state: Notification['state']
  readonly error: string | null
}

const stateWords = { pending: 'not sent yet', sent: 'sent', failed: 'not sent' } as const

/** Queues the report, and sends it unless another process sends notifications now. That process then sends the report. */
async function sendNow(session: Session, since: number) {
  const report = notifySettings(session).report
  if (report === null) {
    const hint = 'add "report" with its channels to "notify" in the spec; burn spec docs explains it'
    throw new BurnError('notify_unset', 'the spec has no "notify.report", so burn sends no reports', hint, { exit: 2 })
  }
  const [{ queueReport }, { sendNotifications }, { runJobAlone }] = await Promise.all([
    import('../../cycle/reports.ts'),
    import('../../cycle/notifications.ts'),
    import('../../jobs/run.ts'),
  ])
  const began = session.clock.now()
  const topic = `report ${session.newId()}`
  await queueReport(session, { topic, since })
  await runJobAlone('notify', session, () => sendNotifications(session, false))
  const saved = await session.ledger.notifications(began)
  // A report waits behind an earlier message that its channel did not accept.
  const failing = new Map(
    saved.flatMap(({ channel, state, last_error: error }) => (state === 'pending' && error !== null ? [[channel, error]] : [])),
  )
  const sent = saved
    .filter((each) => each.topic === topic)
    .map(({ id, channel, state, last_error }): SentReport => {
      return { id, channel, state, error: last_error ?? (state === 'pending' ? (failing.get(channel) ?? null) : null) }
    })
  return done<Shown>({ sent }, exitFor(sent.filter(({ error }) => error === null).length, sent.length))
}

function printedAs(format: Format, report: PeriodReport): string {
  if (format === 'json') return `${JSON.stringify(withIsoTimes(report), null, 2)}\n`
  const document = reportDocument(report)
  return { text: reportText, md: reportMarkdown, html: reportHtml }[format](document)
}

/** Returns the start of the period. */
function startOf(word: string, now: number): number {
  if (word !== 'yesterday') return timeFrom(word, now, -1, 'an age such as 8h, a time of day such as 20:00, a date, or "yesterday"')
  const day = new Date(now)
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - 1).getTime()
}
