/** `burn worker`: one worker that takes its issues itself, and the issues that it leaves alone. */
import { Command } from 'commander'
import type { ExitCode } from '../../core/errors.ts'
import type { Worker } from '../../core/nouns.ts'
import type { LoopOptions } from '../../sprint/loop.ts'
import type { CommonOptions, Context, OpenSession } from '../context.ts'
import type { Io } from '../io.ts'
import { BurnError } from '../../core/errors.ts'
import { durationGiven, issueNamed, positive, withCommon, withOpen, withSession, workerNamed } from '../context.ts'
import { endLine, progressOf } from '../sprint-lines.ts'
import { duration, table } from '../table.ts'

interface LoopCommandOptions extends CommonOptions {
  readonly count?: number
  readonly interval?: number
  readonly skipFor: string
}

export function workerCommand(context: Context): Command {
  const worker = new Command('worker').description('a worker that takes its issues itself, and what it leaves alone')
  for (const command of [loopCommand(context), skipCommand(context), skipsCommand(context)]) worker.addCommand(command)
  return worker
}

function loopCommand(context: Context): Command {
  return withCommon(new Command('loop'))
    .description('issue after issue for one worker, in its pane or without one, until Ctrl-C')
    .argument('[worker]', 'machine/WINDOW/NAME, or NAME (default: the worker of this pane)')
    .option('-c, --count <n>', 'end after so many issues', positive)
    .option('-i, --interval <seconds>', 'pause where there is nothing to do (default: dispatch.interval of the spec)', positive)
    .option('--skip-for <duration>', 'how long it leaves an issue alone that came to nothing', '6h')
    .addHelpText(
      'after',
      '\nNo other process gives this worker anything meanwhile. SIGTERM ends it after the step that it is in, and gives its issue back.\n\nExit codes: 0 --count issues were done, 3 it was stopped, 1 another loop of this worker runs.\n\nExamples:\n  burn worker loop AZOTH\n  burn worker loop mac/CRUCIBLE/AZOTH --count 3',
    )
    .action((name: string | undefined, options: LoopCommandOptions) =>
      withOpen(context, options, async (open) => runLoop(await whichWorker(name, open, context), open, options, context)),
    )
}

/** The one that is named, or whose pane this is. */
async function whichWorker(name: string | undefined, { session: { fleet } }: OpenSession, { env }: Context): Promise<Worker> {
  if (name !== undefined) return workerNamed(fleet, name)
  const pane = env['TMUX_PANE']
  const { paneWorker } = await import('../../tmux/here.ts')
  const found = pane === undefined ? null : await paneWorker(pane, env)
  if (found !== null) return workerNamed(fleet, found)
  throw new BurnError(
    'worker_unnamed',
    'which worker?',
    'name it: burn worker loop AZOTH; without a name it is the worker of the pane that it runs in',
    { exit: 2 },
  )
}

async function runLoop(worker: Worker, open: OpenSession, options: LoopCommandOptions, context: Context): Promise<ExitCode> {
  const { wireSprints } = await import('../wire-sprints.ts')
  const { loop } = await import('../../sprint/loop.ts')
  const { io } = context
  const skip_for = await durationGiven(options.skipFor, '--skip-for 6h')
  if (worker.role !== 'worker')
    throw new BurnError('worker_idle', `${worker.id} is a ${worker.role}: it is asked, and takes no issues`, 'name another', { exit: 2 })
  if (worker.repos.length === 0)
    throw new BurnError('worker_idle', `${worker.id} serves no repo`, 'write its "repos" in the spec', { exit: 2 })
  const json = options.json === true
  const sprints = await wireSprints(open, context, progressOf(context, json))
  if (!json) io.err(io.paint('gray', `${worker.id} takes its issues itself, from ${worker.repos.join(', ')}; Ctrl-C ends it`))
  await loop(
    {
      worker,
      count: options.count ?? Infinity,
      interval: options.interval === undefined ? open.session.fleet.dispatch.interval : options.interval * 1000,
      skip_for,
      onEnd: (row) => io.out(json ? JSON.stringify(row) : endLine(row, io)),
      onRest: sayRest(io, json),
    },
    sprints,
    context.stop,
  )
  return 0
}

/** A pause for the same reason as the one before is not said again: a loop without work would fill its pane. */
function sayRest(io: Io, json: boolean): LoopOptions['onRest'] {
  let last = ''
  return (why, ms) => {
    if (json) io.out(JSON.stringify({ rests: why, ms }))
    else if (why !== last) io.err(io.paint('gray', `rests ${duration(ms)}: ${why}`))
    last = why
  }
}

interface SkipOptions extends CommonOptions {
  readonly for?: string
  readonly remove?: boolean
}

function skipCommand(context: Context): Command {
  return withCommon(new Command('skip'))
    .description('have a worker leave an issue alone')
    .argument('<worker>', 'machine/WINDOW/NAME, NAME, or sprint/<host> for burn sprint run')
    .argument('<issue>', 'owner/repo#7, or repo#7')
    .argument('[reason...]', 'why, for the others')
    .option('--for <duration>', 'how long (default: until it is taken off)')
    .option('--remove', 'take it off')
    .addHelpText(
      'after',
      '\nExamples:\n  burn worker skip AZOTH app#7 --for 2d needs a new API key\n  burn worker skip AZOTH app#7 --remove',
    )
    .action((name: string, text: string, words: string[], options: SkipOptions) =>
      withSession(context, options, async ({ fleet, ledger, clock }) => {
        const worker = name.startsWith('sprint/') ? name : workerNamed(fleet, name).id
        const issue = issueNamed(fleet, text)
        const at = clock.now()
        const until = options.for === undefined ? null : at + (await durationGiven(options.for, '--for 2d'))
        if (options.remove) await ledger.unskip(worker, issue)
        else await ledger.skip({ worker, issue, until, reason: words.join(' ') || 'by a person', at })
        const skipped = options.remove !== true
        context.io.out(
          options.json
            ? JSON.stringify({ worker, issue, skipped, until })
            : `${worker} ${skipped ? 'leaves' : 'may take'} ${issue}${skipped ? ' alone' : ''}`,
        )
        return 0
      }),
    )
}

function skipsCommand(context: Context): Command {
  return withCommon(new Command('skips'))
    .description('which issues workers leave alone, how long, and why')
    .action((options: CommonOptions) =>
      withSession(context, options, async ({ ledger, clock }) => {
        const now = clock.now()
        const skips = await ledger.skips(now)
        const { io } = context
        if (options.json) io.out(JSON.stringify({ skips }))
        else {
          const rows = skips.map(({ worker, issue, until, reason }) => [
            worker,
            issue,
            until === null ? '' : `${duration(until - now)} more`,
            reason,
          ])
          for (const line of table(['WORKER', 'ISSUE', 'FOR', 'WHY'], rows, io.tty ? io.width : Infinity)) io.out(line)
        }
        return 0
      }),
    )
}
