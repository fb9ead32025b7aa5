/** `burn explain`: why an issue is where it is, in one screen. */
import { Command } from 'commander'
import type { Explanation } from '../../observe/explain.ts'
import type { CommonOptions, Context } from '../context.ts'
import { restsReason, sentence, worded } from '../../decide/wording.ts'
import { repoOf } from '../../core/refs.ts'
import { oneLine } from '../../core/text.ts'
import { issueNamed, withCommon, withSession } from '../context.ts'
import { sprintTable } from '../sprint-lines.ts'
import { duration, table } from '../table.ts'

export function explainCommand(context: Context): Command {
  return withCommon(new Command('explain'))
    .description('why an issue was or was not given, to whom, and what became of it')
    .argument('<issue>', 'owner/repo#7, or repo#7')
    .addHelpText('after', '\nExample:\n  burn explain hermes-agent#7')
    .action((text: string, options: CommonOptions) =>
      withSession(context, options, async (session) => {
        const { explain, unreadText } = await import('../../observe/explain.ts')
        const explanation = await explain(issueNamed(session.fleet, text), session)
        if (options.json) context.io.out(JSON.stringify(worded(explanation)))
        else for (const line of lines(explanation, context)) context.io.out(line)
        if (explanation.unread !== null)
          context.io.err(context.io.paint('yellow', unreadText(repoOf(explanation.issue), explanation.unread)))
        return explanation.unread === null ? 0 : 3
      }),
    )
}

const proofs = { text: 'whole text', id: 'id only' } as const

function lines({ issue, record, waits, resting, dispatches, sprints, serving, events }: Explanation, { io, clock }: Context): string[] {
  const now = clock.now()
  const ago = (at: number) => `${duration(now - at)} ago`
  const width = io.tty ? io.width : Infinity
  const about =
    record === null
      ? ['the forge no longer has it']
      : [
          `${oneLine(record.issue.title, 100)}`,
          `${record.issue.state}, by ${record.issue.author}, labels: ${record.issue.labels.join(', ') || 'none'}, assigned: ${record.issue.assignees.join(', ') || 'nobody'}`,
          record.issue.url,
        ]
  const verdict = record?.verdict ?? null
  const decided =
    verdict === null
      ? 'nothing was decided yet (burn dispatch)'
      : `${io.paint(verdict.eligible ? 'green' : 'yellow', verdict.eligible ? 'for the fleet' : 'not for the fleet')}: ${sentence(verdict.reason)}${waits === null ? '' : `; ${sentence(waits)}`} (${ago(verdict.at)})`
  const serves = `served by ${serving.length} workers${serving.length === 0 ? '' : `: ${serving.slice(0, 4).join(', ')}${serving.length > 4 ? ', …' : ''}`}; attempts that failed: ${record?.attempts ?? 0}`
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
    ...(record?.approval === 'edited' ? [io.paint('yellow', 'its text was edited after a trusted label was set')] : []),
    ...resting.map((each) => io.paint('yellow', `${each.subject} ${restsReason(each)}`)),
    serves,
    ...(rows.length === 0 ? [] : ['', ...table(['DISPATCH', 'WORKER', 'STATE', 'SINCE', 'DELIVERY', 'WHY'], rows, width)]),
    ...(sprints.length === 0 ? [] : ['', ...sprintTable(sprints, io, now)]),
    ...(events.length === 0
      ? []
      : [
          '',
          ...table(
            ['WHEN', 'EVENT', 'WORKER', 'WHAT'],
            events.map((e) => [ago(e.at), e.kind, e.worker ?? '', oneLine(e.text, 160)]),
            width,
          ),
        ]),
  ]
}
