/** `burn ledger`: what the fleet did. */
import { sentence, worded } from '../../decide/wording.ts'
import { Command, Option } from 'commander'
import type { DispatchState } from '../../core/lives.ts'
import type { CommonOptions, Context } from '../context.ts'
import { dispatchSteps, slotStates } from '../../core/lives.ts'
import { oneLine } from '../../core/text.ts'
import { isStale } from '../../decide/settle.ts'
import { issueNamed, positive, withCommon, withSession, workerNamed } from '../context.ts'
import { duration, table } from '../table.ts'
import { adoptCommand } from './ledger-adopt.ts'
import { copyingCommands } from './ledger-copy.ts'
import { keepingCommands } from './ledger-keep.ts'

interface Options extends CommonOptions {
  readonly issue?: string
  readonly worker?: string
  readonly state?: DispatchState
  readonly limit: number
}

export function ledgerCommand(context: Context): Command {
  const list = withCommon(new Command('ledger'))
    .description('the dispatches there were, newest first')
    .option('--issue <issue>', 'only of this issue')
    .option('--worker <worker>', 'only of this worker')
    .addOption(new Option('--state <state>', 'only in this state').choices(Object.keys(dispatchSteps)))
    .option('--limit <n>', 'at most so many', positive, 40)
    .addHelpText(
      'after',
      '\nExamples:\n  burn ledger --state handed\n  burn ledger --worker AZOTH --json\n  burn ledger events --limit 20\n  burn ledger check\n  burn ledger backup ~/backups/burn.db\n  burn ledger prune --older-than 90d --dry-run\n  burn ledger move postgres://burn@db.example.com/burn',
    )
    .action((options: Options) => withSession(context, options, (session) => listDispatches(session, options, context)))
  for (const command of [
    eventsCommand(context),
    checkCommand(context),
    ...copyingCommands(context),
    ...keepingCommands(context),
    adoptCommand(context),
  ])
    list.addCommand(command)
  return list
}

async function listDispatches(
  { ledger, fleet, clock }: Parameters<Parameters<typeof withSession>[2]>[0],
  options: Options,
  { io }: Context,
): Promise<0> {
  const now = clock.now()
  const found = await ledger.dispatches({
    limit: options.limit,
    ...(options.issue === undefined ? {} : { issue: issueNamed(fleet, options.issue) }),
    ...(options.worker === undefined ? {} : { worker: workerNamed(fleet, options.worker).id }),
    ...(options.state === undefined ? {} : { state: options.state }),
  })
  const deliveries = new Map((await ledger.deliveries({ ids: found.map(({ id }) => id) })).map((d) => [d.id, d.state]))
  const all = found.map((d) => ({ ...d, delivery: deliveries.get(d.id) ?? null, stale: isStale(d, fleet.dispatch.stale_after, now) }))
  if (options.json) {
    io.out(JSON.stringify(worded({ dispatches: all })))
    return 0
  }
  const rows = all.map((d) => [
    d.id,
    d.issue,
    d.worker,
    d.stale ? `${d.state}, stale` : d.state,
    duration(now - d.changed_at),
    d.delivery ?? '',
    sentence(d.state_reason),
  ])
  for (const line of table(['DISPATCH', 'ISSUE', 'WORKER', 'STATE', 'FOR', 'DELIVERY', 'WHY'], rows, io.tty ? io.width : Infinity))
    io.out(line)
  const live = all.filter((d) => slotStates.includes(d.state)).length
  io.out(
    `${all.length} shown${all.length === options.limit ? ' (--limit shows more)' : ''}, ${live} under way, ${all.filter((d) => d.stale).length} stale`,
  )
  return 0
}

function eventsCommand(context: Context): Command {
  return new Command('events')
    .description('what happened, newest first')
    .option('--limit <n>', 'at most so many', positive, 40)
    .action((_own: object, command: Command) => {
      const options = command.optsWithGlobals<Options>()
      return withSession(context, options, async ({ ledger, clock }) => {
        const events = await ledger.events({ limit: options.limit })
        if (options.json) context.io.out(JSON.stringify({ events }))
        else {
          const rows = events.map((e) => [duration(clock.now() - e.at), e.kind, e.issue ?? '', e.worker ?? '', oneLine(e.text, 160)])
          for (const line of table(['AGO', 'EVENT', 'ISSUE', 'WORKER', 'WHAT'], rows, context.io.tty ? context.io.width : Infinity))
            context.io.out(line)
        }
        return 0
      })
    })
}

function checkCommand(context: Context): Command {
  return new Command('check').description('is the ledger whole').action((_own: object, command: Command) => {
    const options = command.optsWithGlobals<Options>()
    return withSession(context, options, async ({ ledger }) => {
      const { where, version, rows } = await ledger.check()
      if (options.json) context.io.out(JSON.stringify({ where, version, rows }))
      else
        context.io.out(
          `${where}: whole, version ${version}; ${Object.entries(rows)
            .map(([name, count]) => `${count} ${name}`)
            .join(', ')}`,
        )
      return 0
    })
  })
}
