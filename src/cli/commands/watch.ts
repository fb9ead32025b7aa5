/** `burn watch`: what every worker is doing, as it changes. */
import { Command } from 'commander'
import type { ExitCode } from '../../core/errors.ts'
import type { Fleet, Machine, Worker } from '../../core/nouns.ts'
import type { WorkerChange } from '../../observe/watch.ts'
import type { Session } from '../../observe/session.ts'
import type { CommonOptions, Context } from '../context.ts'
import { positive, unknown, withCommon, withSession } from '../context.ts'
import { stateText } from '../status-table.ts'
import { LiveTable } from '../live-table.ts'

interface Options extends CommonOptions {
  readonly for?: number
}

export function watchCommand(context: Context): Command {
  return withCommon(new Command('watch'))
    .description('what every worker is doing, as it changes; a line a change where it is not a terminal')
    .argument('[names...]', 'only these machines, windows and workers')
    .option('--for <seconds>', 'end after so long', positive)
    .addHelpText('after', '\nExamples:\n  burn watch\n  burn watch mac WORKBENCH\n  burn watch --json --for 60 | jq .to')
    .action((names: readonly string[], options: Options) =>
      withSession(context, options, (session) => watchSession(narrowed(session.fleet, names), session, options, context)),
    )
}

async function watchSession(machines: readonly Machine[], session: Session, options: Options, context: Context): Promise<ExitCode> {
  const { io, clock, stop } = context
  const { watch } = await import('../../observe/watch.ts')
  const end = new AbortController()
  const until = AbortSignal.any([stop, end.signal])
  const timer = options.for === undefined ? null : clock.sleep(options.for * 1000, until).then(() => end.abort())
  const live = io.tty && options.json !== true ? new LiveTable(io, clock) : null
  try {
    for await (const update of watch(machines, session, until)) {
      if (live === null) for (const change of update.changes) io.out(lineOf(change, options, context))
      else live.show(update)
    }
  } finally {
    end.abort()
    await live?.close()
    await timer
  }
  return 0
}

function lineOf(change: WorkerChange, { json }: Options, { io }: Context): string {
  const at = new Date(change.at).toISOString()
  const { worker, from, to, detail, evidence } = change
  if (json) return JSON.stringify({ at, worker, from, to, detail, evidence })
  return `${at}  ${worker}  ${from === null ? '' : `${from} → `}${stateText(to, detail, io)}  ${evidence}`
}

/** The fleet's machines with only the windows and workers that a name stands for. Throws BurnError `name_unknown` (exit 2). */
function narrowed(fleet: Fleet, names: readonly string[]): readonly Machine[] {
  if (names.length === 0) return fleet.machines
  const used = new Set<string>()
  const all: string[] = []
  const isNamed = (own: readonly string[]) => {
    all.push(...own)
    const named = own.filter((name) => names.includes(name))
    for (const name of named) used.add(name)
    return named.length > 0
  }
  const machines = fleet.machines.flatMap((machine) => {
    const whole = isNamed([machine.name])
    const windows = machine.windows.flatMap((window) => {
      const open = isNamed([window.name, `${machine.name}/${window.name}`])
      const workers = window.workers.filter((worker: Worker) => isNamed([worker.name, worker.id]))
      return whole || open ? [window] : workers.length > 0 ? [{ ...window, workers }] : []
    })
    return windows.length > 0 ? [{ ...machine, windows }] : []
  })
  const missing = names.find((name) => !used.has(name))
  if (missing !== undefined) throw unknown('name', missing, all)
  return machines
}
