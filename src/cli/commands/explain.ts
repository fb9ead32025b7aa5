/** `burn explain`: shows the state of one issue and the reasons for it, or the meaning of an error code. */
import type { Explanation } from '../../observe/explain.ts'
import type { Io } from '../io.ts'
import { backoffText, sentence } from '../../decide/wording.ts'
import { repoOf } from '../../core/refs.ts'
import { counted, oneLine } from '../../core/text.ts'
import { command, done } from '../command.ts'
import { issueNamed } from '../named.ts'
import { sprintTable } from '../sprint-lines.ts'
import { duration, table } from '../table.ts'
import { flag, optional, usage } from '../args.ts'
import { allCodes, codeNamed, errorReference, type ExplainedCode } from './explain-code.ts'
import { eventText } from '../../decide/event-kinds.ts'

type Explained = Explanation | ExplainedCode | { readonly codes: readonly ExplainedCode[] }

export const explainCommand = command({
  args: {
    subject: optional('[issue|code]', 'Issue, as owner/repo#7 or repo#7; or an error code, such as ledger_full'),
    codes: flag('--codes', 'Print all error codes with meanings and remedies (Markdown)'),
  },
  examples: ['burn explain hermes-agent#7', 'burn explain forge_auth', 'burn explain app#7 --json'],
  async run({ open, io }, { subject, codes }) {
    if (codes) return done<Explained>({ codes: allCodes() })
    if (subject === undefined) throw usage('the argument [issue|code] is missing', 'write burn explain owner/repo#7, or burn explain CODE')
    if (!subject.includes('#')) return done<Explained>(codeNamed(subject))
    const { session } = await open()
    const { explain, unreadText } = await import('../../observe/explain.ts')
    const explanation = await explain(issueNamed(session.fleet, subject), session)
    const { unread, issue } = explanation
    if (unread !== null) io.err(io.paint('yellow', unreadText(repoOf(issue), unread)))
    return done<Explained>(explanation, unread === null ? 0 : 3)
  },
  present(explained, io, _, now) {
    if ('codes' in explained) io.write(errorReference())
    else if ('code' in explained)
      io.out(io.paint('bold', explained.code), `  ${explained.meaning}`, `  ${io.paint('cyan', 'do:')} ${explained.remedy}`)
    else io.out(...linesOf(explained, io, now))
  },
})

const proofs = { text: 'whole text', id: 'id only' } as const

function linesOf({ issue, record, waits, backed_off, dispatches, sprints, serving, events }: Explanation, io: Io, now: number): string[] {
  const ago = (at: number) => `${duration(now - at)} ago`
  const about =
    record === null
      ? ['the forge no longer has this issue']
      : [
          `${oneLine(record.issue.title, 100)}`,
          `${record.issue.state}, by ${record.issue.author}, labels: ${record.issue.labels.join(', ') || 'none'}, assigned: ${record.issue.assignees.join(', ') || 'nobody'}`,
          record.issue.url,
        ]
  const verdict = record?.verdict ?? null
  const decided =
    verdict === null
      ? 'not judged yet: no cycle of burn dispatch has read this issue'
      : `${io.paint(verdict.eligible ? 'green' : 'yellow', verdict.eligible ? 'eligible' : 'not eligible')}: ${sentence(verdict.reason)}${waits === null ? '' : `; ${sentence(waits)}`} (${ago(verdict.at)})`
  const workers = serving.length === 0 ? '' : `: ${serving.slice(0, 4).join(', ')}${serving.length > 4 ? ', …' : ''}`
  const serves = `${serving.length === 1 ? '1 worker serves' : `${serving.length} workers serve`} its repo${workers}; ${counted(record?.attempts ?? 0, 'failed attempt')}`
  const rows = dispatches.map((d) => [
    d.id,
    d.worker,
    d.stale ? `${d.state}, stale` : d.state,
    ago(d.changed_at),
    d.delivery === null ? '' : `${d.delivery.state}${d.delivery.proof === null ? '' : ` (${proofs[d.delivery.proof]})`}`,
    `${sentence(d.reason)}; ${sentence(d.state_reason)}${d.change_url === null ? '' : `; ${d.change_url}`}`,
  ])
  return [
    io.paint('bold', issue),
    ...about.map((line) => `  ${line}`),
    '',
    decided,
    ...(record?.approval === 'edited' ? [io.paint('yellow', 'the issue was edited after a trusted label approved its text')] : []),
    ...backed_off.map((each) => io.paint('yellow', `${each.subject} is ${backoffText(each)}`)),
    serves,
    ...(rows.length === 0 ? [] : ['', ...table(['DISPATCH', 'WORKER', 'STATE', 'SINCE', 'DELIVERY', 'WHY'], rows, io.columns)]),
    ...(sprints.length === 0 ? [] : ['', ...sprintTable(sprints, io, now)]),
    ...(events.length === 0
      ? []
      : [
          '',
          ...table(
            ['WHEN', 'EVENT', 'WORKER', 'WHAT'],
            events.map((e) => [ago(e.at), e.kind, e.worker ?? '', oneLine(eventText(e), 160)]),
            io.columns,
          ),
        ]),
  ]
}
