/** `burn worker`: runs the loop of one worker, and makes workers skip issues. */
import type { Worker } from '../../core/nouns.ts'
import type { Sprint } from '../../core/sprint.ts'
import { BurnError } from '../../core/errors.ts'
import { command, done, type Deps, type OpenSession } from '../command.ts'
import { issueNamed, workerNamed } from '../named.ts'
import { endLine, progressOf } from '../sprint-lines.ts'
import { duration, table } from '../table.ts'
import { flag, list, optional, parsePositive, parsedArg, parseDuration, parsePositiveDuration, text } from '../args.ts'

const why = list('[reason...]', 'Reason for the skip, for other people to read')

export const skipCommand = command({
  args: {
    worker: text('<worker>', 'Worker (machine/WINDOW/NAME or NAME), or sprint/<host> for the sprints of a host'),
    issue: text('<issue>', 'Issue, as owner/repo#7 or repo#7'),
    why,
    for: parsedArg(
      '--for <duration>',
      'Time to skip the issue, such as 2d (default: until --remove removes the skip)',
      parseDuration,
      null,
    ),
    remove: flag('--remove', 'Stop skipping the issue'),
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
  examples: ['burn worker skips'],
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
    io.out(...(rows.length === 0 ? ['No worker skips an issue.'] : table(['WORKER', 'ISSUE', 'FOR', 'WHY'], rows, io.columns, ['WHY'])))
  },
})

/** The end of a sprint, or a pause of the loop with its reason and duration (ms). */
type LoopPart = Sprint | { readonly pause_reason: string; readonly ms: number }

export const loopCommand = command({
  args: {
    worker: optional('[worker]', 'Worker, as machine/WINDOW/NAME or NAME (default: the worker of this pane)'),
    count: parsedArg('-c, --count <n>', 'Stop after this many issues (default: no limit)', parsePositive, Infinity),
    interval: parsedArg(
      '-i, --interval <duration>',
      'Time to wait if no issue is eligible, such as 90s or 5m (default: dispatch.interval of the spec)',
      parsePositiveDuration,
      null,
    ),
    skip_for: parsedArg('--skip-for <duration>', 'Time to skip an issue that failed (default: 6h)', parseDuration, parseDuration('6h')),
  },
  examples: ['burn worker loop AZOTH', 'burn worker loop mac/CRUCIBLE/AZOTH --count 3'],
  notes: [
    'While the loop runs, no other process assigns issues to this worker. After SIGTERM the loop aborts the current model call or command, releases its issue and exits.',
    'Exit codes: 0 the loop worked on --count issues, 1 another loop of this worker is running, 2 usage or spec error, 3 the loop was stopped.',
  ],
  async run(deps, given) {
    const open = await deps.open()
    const worker = await loopWorker(given.worker, open, deps)
    const { wireSprints } = await import('../wire-sprints.ts')
    const { loop } = await import('../../sprint/loop.ts')
    const { person, emit } = deps
    if (worker.role !== 'worker')
      throw new BurnError(
        'worker_idle',
        `${worker.id} has the role ${worker.role}, and only workers with the role "worker" work on issues`,
        'name another worker',
        {
          exit: 2,
        },
      )
    if (worker.repos.length === 0)
      throw new BurnError('worker_idle', `${worker.id} has no repos`, 'set "repos" of the worker in the spec', { exit: 2 })
    const sprints = await wireSprints(open, deps, progressOf(person))
    person?.err(person.paint('gray', `${worker.id} works on issues of ${worker.repos.join(', ')}. Ctrl-C stops the loop.`))
    const interval = given.interval === null ? open.session.fleet.dispatch.interval : given.interval
    const { count, skip_for } = given
    // Print a reason only if it is new, so that an idle loop does not fill its pane.
    let last = ''
    const onPause = (reason: string, ms: number) => {
      if (person === null || reason !== last) emit({ pause_reason: reason, ms } satisfies LoopPart)
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

/**
 * Returns the named worker, or the worker of the pane that burn runs in. Throws BurnError `worker_unnamed` (exit 2) if there is neither.
 */
async function loopWorker(name: string | undefined, { session: { fleet } }: OpenSession, { env }: Deps): Promise<Worker> {
  if (name !== undefined) return workerNamed(fleet, name)
  const pane = env['TMUX_PANE']
  const { paneWorker } = await import('../../tmux/current-pane.ts')
  const found = pane === undefined ? null : await paneWorker(pane, env)
  if (found !== null) return workerNamed(fleet, found)
  throw new BurnError(
    'worker_unnamed',
    'no worker is named, and burn does not run in the pane of a worker',
    'name a worker: burn worker loop AZOTH',
    {
      exit: 2,
    },
  )
}
