/** `burn dispatch`: runs cycles that assign issues to workers. With `--dry-run` it prints what a cycle would do. */
import { steeredText } from '../../decide/event-kinds.ts'
import { counted } from '../../core/text.ts'
import type { ExitCode } from '../../core/errors.ts'
import type { CycleResult } from '../../cycle/cycle.ts'
import type { FleetState } from '../../core/fleet-state.ts'
import type { Io } from '../io.ts'
import type { Machine } from '../../core/nouns.ts'
import type { Session } from '../../observe/session.ts'
import type { StopSignals } from '../../cycle/stop-requests.ts'
import { activeStates } from '../../core/lifecycle.ts'
import { delegationTable, hasAgent } from '../delegation-table.ts'
import { elsewhereAdvice } from '../../decide/report.ts'
import { newsOf, type DeliveryNews } from '../../decide/delivery-news.ts'
import { backoffText, sentence, unreachableText } from '../../decide/wording.ts'
import { command, done, type CommandContext, type Done } from '../command.ts'
import { leftOut, plannedOf, showPlan, type Planned } from '../dispatch-plan.ts'
import { machinesNamed } from '../named.ts'
import { flag, list, parsedArg, parseDuration, parseWholeNumber } from '../args.ts'

/** A part of the output: a dry run, a cycle, or why nothing ran. */
export type DispatchPart = Planned | Cycle | { readonly skipped: string }

export const dispatchCommand = command({
  args: {
    cycles: parsedArg('-c, --cycles <n>', 'Number of cycles to run; with 0, burn runs until Ctrl-C', parseWholeNumber, 1),
    interval: parsedArg(
      '-i, --interval <duration>',
      'Pause between cycles, such as 90s or 5m (default: dispatch.interval of the spec)',
      parseDuration,
      null,
    ),
    machine: list('-m, --machine <machine...>', 'Assign issues only to workers of these machines'),
    alone: flag('--alone', 'Exit if another "burn dispatch --alone" is running (for cron)'),
    dry_run: flag('-n, --dry-run', 'Show what would be assigned, and change nothing'),
  },
  examples: ['burn dispatch --dry-run', 'burn dispatch', 'burn dispatch --cycles 0 --interval 5m'],
  notes: [
    'burn stop ends all dispatchers of the ledger, also on other computers.',
    'Exit codes of the last cycle: 0 done, 1 no repo could be read, 2 usage or spec error, 3 done in part. In part means: burn could not read a repo, reach a machine or deliver a text. With --cycles 0: 0, or 3 if a cycle failed.',
  ],
  async run({ open, emit, person, stop }, given) {
    const { session } = await open()
    const machines = machinesNamed(session.fleet, given.machine)
    if (given.dry_run) return planCycle(machines, session)
    const [{ runJobAlone }, { withStopRequests }] = await Promise.all([import('../../jobs/run.ts'), import('../../cycle/stop-requests.ts')])
    const begin = () => withStopRequests(session, stop, (signals) => runCycles(machines, session, { emit, person, ...signals }, given))
    const ran = given.alone ? await runJobAlone('dispatch', session, begin) : { ran: true as const, result: await begin() }
    return ran.ran ? ran.result : done<DispatchPart>({ skipped: 'another burn dispatch --alone is running, so this command did nothing' })
  },
  endless: ({ cycles }) => cycles === 0,
  present: showPart,
})

/** Prints a part of the output. */
export function showPart(shown: DispatchPart, io: Io): void {
  if ('skipped' in shown) io.out(shown.skipped)
  else if ('cycle' in shown) showCycle(shown, io)
  else showPlan(shown, io)
}

/** Returns the plan of a cycle without carrying it out. `started`: as if each worker already had an agent. */
export async function planCycle(machines: readonly Machine[], session: Session, started = false): Promise<Done<DispatchPart>> {
  const { dryCycle } = await import('../../cycle/cycle.ts')
  const dry = await dryCycle(machines, session, started)
  const bad = troubles(dry)
  const left = leftOut(dry, await session.ledger.openIssues())
  return done({ ...plannedOf(dry), left_out: left, troubles: bad.map(({ text }) => text) }, exitOf(dry.state, bad.length === 0))
}

/**
 * Runs cycles until their number is reached or a signal ends them. Prints each cycle and each trouble. Returns the exit code: 3 if a cycle
 * failed; otherwise the code of the last cycle. Without an end of the cycles, the code is 0 or 3. `interval`: ms; null for the one of the
 * spec.
 */
export async function runCycles(
  machines: readonly Machine[],
  session: Session,
  { emit, person, stop, drain }: Pick<CommandContext, 'emit' | 'person'> & StopSignals,
  given: { readonly cycles: number; readonly interval: number | null },
): Promise<ExitCode> {
  const { dispatch } = await import('../../cycle/loop.ts')
  let exit: ExitCode = 0
  const reported = new Set<string>()
  const onCycle = (result: CycleResult, number: number, ms: number) => {
    const bad = troubles(result)
    const cycle = cycleOf(result, number, ms, bad)
    emit(cycle satisfies DispatchPart)
    if (person !== null) reportTroubles(bad, reported, person)
    exit = exitOf(result.state, bad.length === 0 && cycle.deliveries.every(({ state }) => !badStates.includes(state)))
  }
  const cycles = given.cycles === 0 ? Infinity : given.cycles
  const interval = given.interval ?? session.fleet.dispatch.interval
  drain.addEventListener('abort', () => person?.err('draining: burn gives no new issue, and ends when nothing is under way'))
  const failed = await dispatch(machines, session, stop, { cycles, interval, onCycle, drain })
  if (failed > 0) return 3
  return cycles === Infinity ? 0 : exit
}

/** Returns the exit code. It is 1 if no repo could be read. `well`: there is no trouble, and no delivery failed. */
function exitOf({ repos_down, writers }: FleetState, well: boolean): ExitCode {
  return repos_down.size > 0 && writers.size === 0 ? 1 : well ? 0 : 3
}

/** Maximum number of backed-off issues and repos that burn prints after a cycle. */
const maxBackoffsShown = 10

interface Trouble {
  readonly subject: string
  readonly text: string
}

function troubles({ state, backlog, resting }: Pick<CycleResult, 'backlog' | 'resting' | 'state'>): Trouble[] {
  const down = [...state.repos_down].map(([repo, reason]) => ({ subject: repo, text: `${repo}: ${reason}` }))
  const away = new Map(
    state.workers.filter(({ reading }) => reading.state === 'unreachable').map(({ worker, reading }) => [worker.machine, reading.evidence]),
  )
  const unreachable = [...away].map(([machine, reason]) => ({ subject: machine, text: unreachableText(machine, reason) }))
  const other = elsewhereAdvice(backlog.elsewhere)
  const elsewhere = other === null ? [] : [{ subject: 'ledger', text: `${other.what} (${other.remedy})` }]
  const unproven = new Map(
    state.workers.flatMap(({ worker, stopped }) =>
      stopped?.code === 'texts_unproven' ? [[worker.agent.kind, sentence(stopped)] as const] : [],
    ),
  )
  const breakers = [...unproven].map(([kind, why]) => ({
    subject: kind,
    text: `burn sends nothing to ${kind} agents: ${why} (look at a pane: burn attach)`,
  }))
  const listed = resting
    .slice(0, maxBackoffsShown)
    .map((each) => ({ subject: each.subject, text: `${each.subject} is ${backoffText(each)}` }))
  const more = resting.length - listed.length
  if (more > 0) listed.push({ subject: 'forge', text: `${more} more issues or repos are backed off (burn status lists all)` })
  return [...elsewhere, ...down, ...listed, ...unreachable, ...breakers, ...state.skipped.map((text) => ({ subject: text, text }))]
}

/**
 * Prints a trouble once when it starts, and once when its subject recovers. `reported` has the subjects whose trouble was printed; this
 * function updates `reported`.
 */
function reportTroubles(bad: readonly Trouble[], reported: Set<string>, io: Io): void {
  const now = new Set(bad.map(({ subject }) => subject))
  for (const { subject, text } of bad) if (!reported.has(subject)) io.err(io.paint('yellow', text))
  for (const subject of [...reported].filter((each) => !now.has(each))) {
    reported.delete(subject)
    io.err(io.paint('gray', `${subject}: recovered`))
  }
  for (const subject of now) reported.add(subject)
}

type Cycle = ReturnType<typeof cycleOf>

function cycleOf(result: CycleResult, cycle: number, ms: number, bad: readonly Trouble[]) {
  const { steered, claimed, settled, delegated, backlog } = result
  return {
    cycle,
    ms,
    steered: steered.map(({ issue, ref, word, author, refusal }) => ({ issue, on: ref, word, by: author, refusal })),
    claimed: claimed.map(({ id, kind, issue, worker, attempt, reason }) => ({ id, kind, issue, worker, attempt, reason })),
    settled: settled.map(({ id, issue, worker, state, state_reason }) => ({ id, issue, worker, state, reason: state_reason })),
    delegated: delegated.map(({ step, issue, agent, login, reason }) => ({ step, issue, agent, login, reason })),
    deliveries: newsFrom(result),
    eligible: backlog.eligible,
    open: backlog.open,
    troubles: bad.map(({ text }) => text),
  }
}

/** Returns the deliveries of a cycle with their issues, and the reasons of those that wait. */
function newsFrom({ deliveries, delayed, claimed, state: { dispatches, reviews } }: CycleResult): DeliveryNews[] {
  const all = [...claimed, ...dispatches, ...reviews.map(({ dispatch }) => dispatch)]
  const issues = new Map(all.map(({ id, issue }) => [id, issue]))
  return deliveries.map(({ id, kind, dispatch, worker, state, proof, evidence }) => {
    const waits = activeStates.includes(state) ? delayed.get(id) : undefined
    const issue = issues.get(dispatch ?? '') ?? null
    return { id, kind, issue, worker, state, proof, evidence, ...(waits === undefined ? {} : { waits }) }
  })
}

const badStates: readonly string[] = ['unknown', 'refused', 'mangled']

/** Returns true if a cycle changed nothing. */
export function isQuiet({
  steered,
  claimed,
  settled,
  delegated,
  deliveries,
}: Pick<Cycle, 'steered' | 'claimed' | 'settled' | 'delegated' | 'deliveries'>): boolean {
  return steered.length + claimed.length + settled.length + delegated.length + deliveries.length === 0
}

function showCycle({ cycle, ms, steered, claimed, settled, delegated, deliveries, eligible, open }: Cycle, io: Io): void {
  io.out(...delegationTable(delegated.filter(hasAgent), io.columns))
  for (const each of steered) io.out(steeredText({ ...each, comment: '' }))
  for (const { issue, worker, state } of settled) io.out(`${issue}  ${state}  ${worker}`)
  for (const delivery of deliveries) {
    const { text, remedy } = newsOf(delivery)
    const about = delivery.issue === null ? '' : `${delivery.issue}: `
    io.out(`${about}${text}${remedy === null ? '' : io.paint('yellow', `. Run: ${remedy}`)}`)
  }
  const count = (state: string) => deliveries.filter((delivery) => delivery.state === state).length
  const bad = badStates.flatMap((state) => (count(state) > 0 ? [`${count(state)} ${state}`] : []))
  const parts = !isQuiet({ steered, claimed, settled, delegated, deliveries })
    ? [`${claimed.length} claimed`, `${count('seen')} seen`, ...bad]
    : ['nothing new']
  const waiting = deliveries.filter(({ state }) => activeStates.includes(state)).length
  const pending = waiting > 0 ? `, ${waiting} not delivered yet` : ''
  io.out(
    `cycle ${cycle}: ${parts.join(', ')}${pending}; ${eligible} of ${counted(open, 'open issue')} eligible (${(ms / 1000).toFixed(1)} s)`,
  )
}
