/** `burn dispatch`: carries issues to workers. */
import { Command } from 'commander'
import type { ExitCode } from '../../core/errors.ts'
import type { CycleResult, dryCycle } from '../../cycle/cycle.ts'
import type { FleetState } from '../../core/fleet-state.ts'
import type { CommonOptions, Context } from '../context.ts'
import { actionsOf } from '../../core/actions.ts'
import { activeStates } from '../../core/lives.ts'
import { elsewhereAdvice } from '../../decide/report.ts'
import { restsReason, sentence, worded } from '../../decide/wording.ts'
import { machinesNamed, wholeNumber, withCommon, withSession } from '../context.ts'
import { table } from '../table.ts'

interface Options extends CommonOptions {
  readonly cycles: number
  readonly interval?: number
  readonly machine: readonly string[]
  readonly dryRun?: boolean
  readonly alone?: boolean
}

export function dispatchCommand(context: Context): Command {
  return withCommon(new Command('dispatch'))
    .description('carry open issues to workers: claim, comment, deliver, each exactly once')
    .option('-c, --cycles <n>', 'how many cycles; 0 goes on until Ctrl-C', wholeNumber, 1)
    .option('-i, --interval <seconds>', 'pause between cycles (default: dispatch.interval of the spec)', wholeNumber)
    .option('-m, --machine <name...>', 'only workers of these machines', [])
    .option('--alone', 'end at once where another dispatch with --alone goes on: for schedulers')
    .option('-n, --dry-run', 'say what would be given to whom, and change nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  burn dispatch --dry-run\n  burn dispatch\n  burn dispatch --cycles 0 --interval 60\n\nExit codes of the last cycle: 0 all is well, 3 some repo, machine or text was not, 1 no repo could be read.',
    )
    .action((options: Options) =>
      withSession(context, options, async (session) => {
        const machines = machinesNamed(session.fleet, options.machine)
        if (options.dryRun) {
          const { dryCycle } = await import('../../cycle/cycle.ts')
          return showPlan(await dryCycle(machines, session), context, options)
        }
        const { dispatch } = await import('../../cycle/loop.ts')
        let exit: ExitCode = 0
        const said = new Set<string>()
        const { runJobAlone } = await import('../../jobs/run.ts')
        const begin = () =>
          dispatch(machines, session, context.stop, {
            cycles: options.cycles === 0 ? Infinity : options.cycles,
            interval: options.interval === undefined ? session.fleet.dispatch.interval : options.interval * 1000,
            onCycle: (result, number, ms) => (exit = showCycle(result, number, ms, said, context, options)),
          })
        const done = options.alone ? await runJobAlone('dispatch', session, begin) : { ran: true as const, result: await begin() }
        if (!done.ran) {
          const text = 'another dispatch goes on: nothing was begun'
          context.io.out(options.json ? JSON.stringify({ skipped: text }) : text)
          return 0
        }
        return done.result > 0 ? 3 : exit
      }),
    )
}

/** 1 where no repo could be read: nothing is known of what there is to do. */
function exitOf({ repos_down, writers }: FleetState, well: boolean): ExitCode {
  return repos_down.size > 0 && writers.size === 0 ? 1 : well ? 0 : 3
}

/** So many of what rests are said. */
const mostRests = 10

interface Trouble {
  readonly subject: string
  readonly text: string
}

function troubles({ state, backlog, resting }: Pick<CycleResult, 'backlog' | 'resting' | 'state'>): Trouble[] {
  const down = [...state.repos_down].map(([repo, reason]) => ({ subject: repo, text: `${repo}: ${reason}` }))
  const away = new Map(
    state.workers.filter(({ reading }) => reading.state === 'unreachable').map(({ worker, reading }) => [worker.machine, reading.evidence]),
  )
  const unreachable = [...away].map(([machine, reason]) => ({
    subject: machine,
    text: reason.startsWith(`${machine} `) ? reason : `${machine} is unreachable: ${reason}`,
  }))
  const other = elsewhereAdvice(backlog.elsewhere)
  const elsewhere = other === null ? [] : [{ subject: 'ledger', text: `${other.what} (${other.mend})` }]
  const left = resting.slice(0, mostRests).map((each) => ({ subject: each.subject, text: `${each.subject} ${restsReason(each)}` }))
  const more = resting.length - left.length
  if (more > 0) left.push({ subject: 'forge', text: `${more} more issues rest (burn status)` })
  return [...elsewhere, ...down, ...left, ...unreachable, ...state.skipped.map((text) => ({ subject: text, text }))]
}

/** A run of many cycles says each trouble when it comes and when it has gone, and not in every cycle. `said` are those that last. */
function sayTroubles(bad: readonly Trouble[], said: Set<string>, { io }: Context): void {
  const now = new Set(bad.map(({ subject }) => subject))
  for (const { subject, text } of bad) if (!said.has(subject)) io.err(io.paint('yellow', text))
  for (const subject of [...said].filter((each) => !now.has(each))) {
    said.delete(subject)
    io.err(io.paint('gray', `${subject}: all is well again`))
  }
  for (const subject of now) said.add(subject)
}

function showPlan(dry: Awaited<ReturnType<typeof dryCycle>>, { io }: Context, options: Options): ExitCode {
  const claims = actionsOf(dry.actions, 'claim')
  const verdicts = actionsOf(dry.actions, 'judge')
  const moves = actionsOf(dry.actions, 'move')
  const bad = troubles(dry)
  if (options.json) {
    const would = claims.map(({ kind, issue, worker, attempt, reason }) => ({
      kind,
      issue: issue.ref,
      worker: worker.id,
      attempt,
      reason,
    }))
    const settle = moves.map(({ id, issue, worker, to, reason }) => ({ id, issue, worker, state: to, reason }))
    const judged = verdicts.map(({ issue, eligible, reason, standing, revision }) => ({ issue, eligible, reason, standing, revision }))
    io.out(JSON.stringify(worded({ would_settle: settle, would_dispatch: would, verdicts: judged, troubles: bad.map(({ text }) => text) })))
    return exitOf(dry.state, bad.length === 0)
  }
  for (const { issue, to, worker, reason } of moves) io.out(`${issue}  would be ${to}  ${worker}  ${sentence(reason)}`)
  const rows = claims.map(({ issue, worker, kind, reason, ...rest }) => [
    issue.ref,
    worker.id,
    kind,
    String(rest.attempt),
    sentence(reason),
  ])
  for (const line of table(['ISSUE', 'WORKER', 'KIND', 'TRY', 'WHY'], rows, io.tty ? io.width : Infinity)) io.out(line)
  const not = verdicts.filter(({ eligible }) => !eligible).length
  io.out(
    `Would dispatch ${claims.length}; ${verdicts.length - not - claims.filter(({ kind }) => kind === 'work').length} wait or are asked; ${not} are not for the fleet (burn explain says why).`,
  )
  for (const { text } of bad) io.err(io.paint('yellow', text))
  return exitOf(dry.state, bad.length === 0)
}

function showCycle(result: CycleResult, number: number, ms: number, said: Set<string>, context: Context, options: Options): ExitCode {
  const { io } = context
  const bad = troubles(result)
  const count = (state: string) => result.deliveries.filter((delivery) => delivery.state === state).length
  const [seen, unknown, refused, mangled] = ['seen', 'unknown', 'refused', 'mangled'].map(count) as [number, number, number, number]
  const waiting = result.deliveries.filter(({ state }) => activeStates.includes(state)).length
  const { open, eligible } = result.backlog
  if (options.json) {
    const deliveries = result.deliveries.map(({ id, worker, state, proof, evidence }) => ({ id, worker, state, proof, evidence }))
    const claimed = result.claimed.map(({ id, kind, issue, worker, attempt, reason }) => ({ id, kind, issue, worker, attempt, reason }))
    const settled = result.settled.map(({ id, issue, worker, state, state_reason }) => ({ id, issue, worker, state, reason: state_reason }))
    const said = bad.map(({ text }) => text)
    io.out(JSON.stringify(worded({ cycle: number, ms, claimed, settled, deliveries, eligible, open, troubles: said })))
  } else {
    for (const { issue, worker, state } of result.settled) io.out(`${issue}  ${state}  ${worker}`)
    const issues = new Map(result.claimed.map(({ id, issue }) => [id, issue]))
    const rows = result.deliveries.map(({ id, worker, state, evidence }) => [issues.get(id) ?? id, worker, state, sentence(evidence)])
    if (rows.length > 0)
      for (const line of table(['ISSUE', 'WORKER', 'DELIVERY', 'EVIDENCE'], rows, io.tty ? io.width : Infinity)) io.out(line)
    const parts = [
      `claimed ${result.claimed.length}`,
      `seen ${seen}`,
      ...(unknown > 0 ? [`unknown ${unknown}`] : []),
      ...(refused > 0 ? [`refused ${refused}`] : []),
      ...(mangled > 0 ? [`mangled ${mangled}`] : []),
    ]
    const rest = `${waiting > 0 ? `, ${waiting} not delivered yet` : ''}; ${eligible} of ${open} open issues are the fleet's`
    io.out(`cycle ${number}: ${parts.join(', ')}${rest} (${(ms / 1000).toFixed(1)} s)`)
    sayTroubles(bad, said, context)
  }
  return exitOf(result.state, bad.length + unknown + refused + mangled === 0)
}
