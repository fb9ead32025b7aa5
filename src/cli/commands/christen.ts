/** `burn christen`: wakes agents and gives each its identity. */
import { Command } from 'commander'
import type { Fleet, Worker } from '../../core/nouns.ts'
import type { Christening, Outcome } from '../../operate/christen.ts'
import type { CommonOptions, Context } from '../context.ts'
import { allWorkers, machinesNamed, positive, withCommon, withSession, workerNamed } from '../context.ts'

interface Options extends CommonOptions {
  readonly parallel?: number
  readonly dryRun?: boolean
  /** False with `--no-hooks`. */
  readonly hooks: boolean
}

export function christenCommand(context: Context): Command {
  return withCommon(new Command('christen'))
    .description('start an agent in every pane that has none, and tell each worker who it is')
    .argument('[machine|worker...]', 'only these (default: the whole fleet)')
    .option('-p, --parallel <n>', 'agents that may be starting at once on a machine (default: its cores)', positive)
    .option('-n, --dry-run', 'say what would be started, and start nothing')
    .option('--no-hooks', 'start them without the hooks that tell burn what they do')
    .addHelpText('after', '\nExamples:\n  burn christen\n  burn christen mac --parallel 4\n  burn christen mac/CRUCIBLE/AZOTH')
    .action((names: string[], options: Options) =>
      withSession(context, options, async (session) => {
        const { christen } = await import('../../operate/christen.ts')
        const workers = chosen(session.fleet, names)
        let count = 0
        const said = new Set<string>()
        const all = await christen(workers, session, context.stop, {
          parallel: options.parallel ?? null,
          dryRun: options.dryRun ?? false,
          hooks: options.hooks,
          // Most have the same reason: it is said once.
          onWithoutHooks: (worker, why) => {
            if (!said.has(why))
              context.io.err(`${context.io.paint('gray', 'without hooks')}: ${worker}, and others for the same reason: ${why}`)
            said.add(why)
          },
          onOutcome: (one) => {
            count += 1
            if (!options.json) context.io.out(line(one, count, workers.length, context))
          },
        })
        const failed = all.filter(({ outcome }) => outcome === 'failed' || outcome === 'unproven').length
        if (options.json) context.io.out(JSON.stringify({ workers: all.map(({ worker, outcome, why }) => ({ id: worker, outcome, why })) }))
        else context.io.out(summary(all))
        return failed === 0 ? 0 : failed === all.length ? 1 : 3
      }),
    )
}

function chosen(fleet: Fleet, names: readonly string[]): Worker[] {
  if (names.length === 0) return allWorkers(fleet)
  const machines = new Set(fleet.machines.map(({ name }) => name))
  const all = names.flatMap((name) => {
    if (!machines.has(name)) return [workerNamed(fleet, name)]
    return machinesNamed(fleet, [name]).flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
  })
  return [...new Set(all)]
}

const colours = { planned: 'cyan', named: 'green', already: 'gray', unproven: 'yellow', failed: 'red' } as const

function line({ worker, outcome, why }: Christening, count: number, of: number, { io }: Context): string {
  return `${String(count).padStart(String(of).length)}/${of}  ${io.paint(colours[outcome], outcome.padEnd(8))}  ${worker}  ${why}`
}

function summary(all: readonly Christening[]): string {
  const count = (outcome: Outcome) => all.filter((one) => one.outcome === outcome).length
  const planned = count('planned') === 0 ? '' : `${count('planned')} to wake or to tell, `
  return `${all.length} workers: ${planned}${count('named')} named, ${count('already')} already, ${count('unproven')} unproven, ${count('failed')} failed`
}
