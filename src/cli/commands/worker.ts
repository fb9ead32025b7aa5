/** `burn worker`: the issues that a worker skips, and its own loop. */
import type { Worker } from '../../core/nouns.ts'
import type { Sprint } from '../../core/sprint.ts'
import { BurnError } from '../../core/errors.ts'
import { command, done, type Deps, type OpenSession } from '../command.ts'
import { issueNamed, workerNamed } from '../named.ts'
import { endLine, progressOf } from '../sprint-lines.ts'
import { duration, table } from '../table.ts'
import { flag, list, optional, positive, parsedArg, parseDuration, text } from '../args.ts'

const why = list('[reason...]', 'why, for the others')

export const skipCommand = command({
  args: {
    worker: text('<worker>', 'machine/WINDOW/NAME, NAME, or sprint/<host> for burn sprint run'),
    issue: text('<issue>', 'owner/repo#7, or repo#7'),
    why,
    for: parsedArg('--for <duration>', 'how long, for example 2d (default: until it is taken off)', parseDuration, null),
    remove: flag('--remove', 'take it off'),
  },
  examples: ['burn worker skip AZOTH app#7 --for 2d needs a new API key', 'burn worker skip AZOTH app#7 --remove'],
  async run({ open }, given) {
    const { fleet, ledger, clock } = (await open()).session
    const worker = given.worker.startsWith('sprint/') ? given.worker : workerNamed(fleet, given.worker).id
    const issue = issueNamed(fleet, given.issue)
    const at = clock.now()
    const until = given.for === null ? null : at + given.for
    if (given.remove) await ledger.unskip(worker, issue)
    else await ledger.skip({ worker, issue, until, reason: given.why.join(' ') || 'by a person', at })
    return done({ worker, issue, skipped: !given.remove, until })
  },
  present: ({ worker, issue, skipped }, io) => io.out(`${worker} ${skipped ? 'skips' : 'may take'} ${issue}`),
})

export const skipsCommand = command({
  args: {},
  async run({ open }) {
    const { ledger, clock } = (await open()).session
    return done({ skips: await ledger.skips(clock.now()) })
  },
  present({ skips }, io, _, now) {
    const rows = skips.map(({ worker, issue, until, reason }) => [
      worker,
      issue,
      until === null ? '' : `${duration(until - now)} more`,
      reason,
    ])
    io.out(...table(['WORKER', 'ISSUE', 'FOR', 'WHY'], rows, io.columns))
  },
})

/** `rests` is the old name of `pause_reason`, for one release. */
type LoopPart = Sprint | { readonly pause_reason: string; readonly rests: string; readonly ms: number }

export const loopCommand = command({
  args: {
    worker: optional('[worker]', 'machine/WINDOW/NAME, or NAME (default: the worker of this pane)'),
    count: parsedArg('-c, --count <n>', 'end after so many issues', positive, Infinity),
    interval: parsedArg(
      '-i, --interval <seconds>',
      'pause if there is nothing to do (default: dispatch.interval of the spec)',
      positive,
      null,
    ),
    skip_for: parsedArg(
      '--skip-for <duration>',
      'how long it skips an issue that came to nothing (default: 6h)',
      parseDuration,
      parseDuration('6h'),
    ),
  },
  examples: ['burn worker loop AZOTH', 'burn worker loop mac/CRUCIBLE/AZOTH --count 3'],
  notes: [
    'No other process gives this worker anything meanwhile. SIGTERM ends it after the step that it is in, and gives its issue back.',
    'Exit codes: 0 --count issues were done, 3 it was stopped, 1 another loop of this worker runs.',
  ],
  async run(deps, given) {
    const open = await deps.open()
    const worker = await whichWorker(given.worker, open, deps)
    const { wireSprints } = await import('../wire-sprints.ts')
    const { loop } = await import('../../sprint/loop.ts')
    const { person, emit } = deps
    if (worker.role !== 'worker')
      throw new BurnError('worker_idle', `${worker.id} is a ${worker.role}: it is asked, and takes no issues`, 'name another', { exit: 2 })
    if (worker.repos.length === 0)
      throw new BurnError('worker_idle', `${worker.id} serves no repo`, 'write its "repos" in the spec', { exit: 2 })
    const sprints = await wireSprints(open, deps, progressOf(person))
    person?.err(person.paint('gray', `${worker.id} takes its issues itself, from ${worker.repos.join(', ')}; Ctrl-C ends it`))
    const interval = given.interval === null ? open.session.fleet.dispatch.interval : given.interval * 1000
    const { count, skip_for } = given
    // A pause for the same reason as the one before is not said again: a loop without work would fill its pane.
    let last = ''
    const onPause = (reason: string, ms: number) => {
      if (person === null || reason !== last) emit({ pause_reason: reason, rests: reason, ms } satisfies LoopPart)
      last = reason
    }
    await loop({ worker, count, interval, skip_for, onEnd: (row) => emit(row satisfies LoopPart), onPause }, sprints, deps.stop)
    return 0
  },
  present(part: LoopPart, io) {
    if ('pause_reason' in part) io.err(io.paint('gray', `pausing ${duration(part.ms)}: ${part.pause_reason}`))
    else io.out(endLine(part, io))
  },
})

/** The one that is named, or whose pane this is. */
async function whichWorker(name: string | undefined, { session: { fleet } }: OpenSession, { env }: Deps): Promise<Worker> {
  if (name !== undefined) return workerNamed(fleet, name)
  const pane = env['TMUX_PANE']
  const { paneWorker } = await import('../../tmux/current-pane.ts')
  const found = pane === undefined ? null : await paneWorker(pane, env)
  if (found !== null) return workerNamed(fleet, found)
  throw new BurnError(
    'worker_unnamed',
    'which worker?',
    'name it: burn worker loop AZOTH; without a name it is the worker of the pane that it runs in',
    { exit: 2 },
  )
}
