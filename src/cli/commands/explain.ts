/** `burn explain`: shows the state of one issue and the reasons for it, or the meaning of an error code. */
import type { Explanation } from '../../observe/explain.ts'
import type { Session } from '../../observe/session.ts'
import type { LeftOut } from '../dispatch-plan.ts'
import type { Io } from '../io.ts'
import { actionsOf } from '../../core/actions.ts'
import { ifCode } from '../../core/errors.ts'
import type { Reason } from '../../core/reasons.ts'
import { backoffText, sentence } from '../../decide/wording.ts'
import { repoOf } from '../../core/refs.ts'
import { counted, oneLine } from '../../core/text.ts'
import { command, done } from '../command.ts'
import { issueNamed } from '../named.ts'
import { sprintTable } from '../sprint-lines.ts'
import { duration, table } from '../table.ts'
import { wrap } from '../wrap.ts'
import { flag, optional, usage } from '../args.ts'
import { allCodes, codeNamed, errorReference, type ExplainedCode } from './explain-code.ts'
import { eventText } from '../../decide/event-kinds.ts'

/** An issue, with the decision that burn made now if no cycle has judged the issue. */
interface ExplainedIssue extends Explanation {
  /** The worker that would get the issue, or null, and the reason; null if a cycle has judged the issue before. */
  readonly decided_now: { readonly worker: string | null; readonly reason: Reason } | null
}

type Explained = ExplainedIssue | ExplainedCode | { readonly codes: readonly ExplainedCode[] }

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
    const { unreadText } = await import('../../observe/explain.ts')
    const explanation = await explainNow(issueNamed(session.fleet, subject), session)
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

/** Explains an issue. If no cycle has judged it, reads forge and machines, and decides as the next cycle would, without changing anything. */
async function explainNow(issue: string, session: Session): Promise<ExplainedIssue> {
  const { explain } = await import('../../observe/explain.ts')
  const before = await explain(issue, session).catch(ifCode(['issue_unknown'], null))
  const isJudged = before !== null && (before.record === null || before.record.verdict !== null || before.record.issue.state === 'closed')
  if (isJudged) return { ...before, decided_now: null }
  const [{ dryCycle }, { leftOut }] = await Promise.all([import('../../cycle/cycle.ts'), import('../dispatch-plan.ts')])
  const plan = await dryCycle(session.fleet.machines, session)
  const explanation = await explain(issue, session)
  const claim = actionsOf(plan.actions, 'claim').find((each) => each.issue.ref === issue)
  const open = explanation.record === null ? [] : [explanation.record]
  const [left]: (LeftOut | undefined)[] = leftOut(plan, open)
  const decided = claim === undefined ? left && { worker: null, reason: left.reason } : { worker: claim.worker.id, reason: claim.reason }
  return { ...explanation, decided_now: decided ?? null }
}

const proofs = { text: 'whole text', id: 'id only' } as const

function linesOf(
  { issue, record, waits, order, ahead, decided_now, backed_off, dispatches, sprints, serving, events }: ExplainedIssue,
  io: Io,
  now: number,
): string[] {
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
      ? nowText(decided_now)
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
    ...wrap(decided, io.columns),
    ...placeLines(ahead, order, record?.priority ?? 0),
    ...(record?.approval === 'edited' ? [io.paint('yellow', 'the issue was edited after a trusted label approved its text')] : []),
    ...backed_off.map((each) => io.paint('yellow', `${each.subject} is ${backoffText(each)}`)),
    serves,
    ...(rows.length === 0
      ? []
      : ['', ...table(['DISPATCH', 'WORKER', 'STATE', 'SINCE', 'DELIVERY', 'WHY'], rows, io.columns, ['DELIVERY', 'DISPATCH', 'WHY'])]),
    ...(sprints.length === 0 ? [] : ['', ...sprintTable(sprints, io, now)]),
    ...(events.length === 0
      ? []
      : [
          '',
          ...table(
            ['WHEN', 'EVENT', 'WORKER', 'WHAT'],
            events.map((e) => [ago(e.at), e.kind, e.worker ?? '', oneLine(eventText(e), 160)]),
            io.columns,
            ['WORKER', 'EVENT'],
          ),
        ]),
  ]
}

function nowText(decided: ExplainedIssue['decided_now']): string {
  if (decided === null) return 'no cycle of burn dispatch has judged this issue'
  const { worker, reason } = decided
  const what = worker === null ? 'would not assign the issue now' : `would assign the issue to ${worker}`
  return `no cycle has judged this issue. burn dispatch ${what}: ${sentence(reason)}`
}

/** Returns a line with the issue's place in the queue; no line if the issue neither waits nor has a priority. */
function placeLines(ahead: number | null, order: Reason | null, priority: number): string[] {
  if (order === null || (ahead === null && priority === 0)) return []
  const why = order.code === 'oldest' ? 'no priority, no due date' : sentence(order)
  const place = ahead === null ? '' : ahead === 0 ? 'first in the queue of its repo' : `${counted(ahead, 'issue')} of its repo before it`
  return [`queue: ${[place, why].filter((each) => each !== '').join('; ')}`]
}
