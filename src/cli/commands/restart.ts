/** `burn restart` and `burn worker interrupt`: start agents again, and interrupt running turns. */
import type { Restarted } from '../../operate/restart.ts'
import type { Io } from '../io.ts'
import { counted } from '../../core/text.ts'
import { command, done } from '../command.ts'
import { workerNamed, workersNamed } from '../named.ts'
import { flag, list, parsedArg, parseDuration, text, usage } from '../args.ts'

export const restartCommand = command({
  args: {
    names: list('<name...>', 'Workers, windows, lanes or machines whose agents to restart, or "all"'),
    drain: flag('--drain', 'Give the workers no new work, and restart each when nothing is under way'),
    now: flag('--now', 'Restart at once: interrupt running turns'),
    fresh: flag('--fresh', 'Begin new conversations instead of continuing the old ones'),
    timeout: parsedArg('--timeout <duration>', 'Time to wait for busy workers, such as 30m (default: no limit)', parseDuration, null),
    dry_run: flag('-n, --dry-run', 'Show what would happen now, and change nothing'),
  },
  examples: ['burn restart AZOTH', 'burn restart bugs --drain', 'burn restart mac --now --fresh', 'burn restart all --timeout 30m'],
  notes: [
    'burn waits until each agent is idle. The new agent has the command, model and identity that the spec has now.',
    'burn restarts no agent with a draft in its composer, and no pane that burn did not create.',
    'Claude Code, Codex, Hermes and OpenCode continue their conversation and keep their issues. Other agents begin a new one.',
    'Exit codes: 0 restarted, 2 usage or spec error, 3 burn refused or could not restart some workers.',
  ],
  async run({ open, person, stop }, given) {
    if (given.drain && given.now) throw usage('--drain and --now exclude each other', 'write one of them')
    const { session } = await open()
    const workers = [...new Set(given.names.flatMap((name) => workersNamed(session.fleet, name)))]
    const mode = given.now ? 'now' : given.drain ? 'drain' : 'idle'
    const { previewRestarts, restartWorkers } = await import('../../operate/restart.ts')
    if (given.dry_run) {
      const planned = await previewRestarts(workers, session, mode)
      return done<RestartReport>({ workers: planned.map((each) => ({ ...each, ...noIssues })) })
    }
    const all = await restartWorkers(workers, session, stop, {
      mode,
      fresh: given.fresh,
      why: 'burn restart',
      patience: given.timeout,
      onWait: (worker, why) => person?.err(person.paint('gray', `waiting: ${worker} ${why}`)),
      onWithoutHooks: (worker, why) => person?.err(person.paint('gray', `without hooks: ${worker}: ${why}`)),
    })
    const restarted = all.filter(({ outcome }) => outcome === 'restarted').length
    return done<RestartReport>({ workers: all.map(rowOf) }, restarted === all.length ? 0 : 3)
  },
  present({ workers }, io) {
    for (const each of workers) showResult(each, io)
    const count = (outcome: Outcome) => workers.filter((each) => each.outcome === outcome).length
    const planned = count('ready') + count('waiting')
    if (planned === 0)
      io.out(
        `${counted(count('restarted'), 'agent')} restarted, ${count('refused')} refused, ${count('failed') + count('unproven')} failed`,
      )
  },
})

type Outcome = Restarted['outcome'] | 'ready' | 'waiting'

/** The result for one worker. */
interface RestartRow {
  readonly id: string
  readonly outcome: Outcome
  readonly why: string
  readonly hint: string
  /** Issues that the new agent continues, that it may still continue, and that burn handles as those of an ended agent. */
  readonly continues: readonly string[]
  readonly may_continue: readonly string[]
  readonly left: readonly string[]
}

interface RestartReport {
  readonly workers: readonly RestartRow[]
}

const noIssues = { continues: [], may_continue: [], left: [] }

function rowOf({ worker, outcome, why, hint, dispatches }: Restarted): RestartRow {
  const issues = (some: readonly { readonly issue: string }[] = []) => some.map(({ issue }) => issue)
  const left = issues(dispatches?.left)
  return {
    id: worker,
    outcome,
    why,
    hint,
    continues: issues(dispatches?.continued),
    may_continue: dispatches?.waits === true ? left : [],
    left: dispatches?.waits === true ? [] : left,
  }
}

const colours = { restarted: 'green', unproven: 'yellow', refused: 'yellow', failed: 'red', ready: 'cyan', waiting: 'gray' } as const

function showResult({ id, outcome, why, hint, continues, may_continue, left }: RestartRow, io: Io): void {
  const phrase = outcome === 'restarted' ? `  ${why}` : ` ${why}${hint === '' ? '' : `. ${hint}`}`
  io.out(`${io.paint(colours[outcome], outcome.padEnd(9))}  ${id}${phrase}`)
  if (continues.length > 0) io.out(`           continues ${continues.join(', ')}`)
  if (may_continue.length > 0) io.out(`           has not reported its conversation yet; it keeps ${may_continue.join(', ')} meanwhile`)
  if (left.length > 0) io.out(`           does not continue ${left.join(', ')}: the next cycle counts them as lost, and retries them`)
}

export const interruptCommand = command({
  args: { worker: text('<worker>', 'Worker whose running turn to interrupt') },
  examples: ['burn worker interrupt AZOTH'],
  notes: [
    'burn presses the interrupt key of the agent, such as Escape, and reads the screen until the turn has ended.',
    'The worker keeps its issue. To tell the agent what to do instead: burn send',
    'Exit codes: 0 the turn has ended, 1 failed, 2 usage or spec error, 3 the agent is not working, or continues its turn.',
  ],
  async run({ open, stop }, { worker }) {
    const { session } = await open()
    const { interrupt } = await import('../../operate/interrupt.ts')
    const result = await interrupt(workerNamed(session.fleet, worker), session, stop)
    return done(result, result.outcome === 'stopped' ? 0 : 3)
  },
  present({ worker, outcome, reading, presses }, io) {
    const state = `it is ${reading.state} (${reading.evidence})`
    const times = counted(presses, 'time')
    if (outcome === 'stopped') io.out(`${worker} stopped: ${state}`)
    else
      io.out(
        `${worker} continues its turn after burn pressed the key ${times}: ${state}`,
        `look at its pane: burn attach ${worker}; to end the turn with the agent: burn restart ${worker} --now`,
      )
  },
})
