/** `burn attach`: puts a person into the right pane. */
import { Command } from 'commander'
import type { Fleet, Machine } from '../../core/nouns.ts'
import type { Place } from '../../run/attach.ts'
import type { CommonOptions, Context } from '../context.ts'
import { BurnError } from '../../core/errors.ts'
import { unknown, withCommon, withSession, workerNamed } from '../context.ts'

export function attachCommand(context: Context): Command {
  return withCommon(new Command('attach'))
    .description("look into a worker's pane, a window or a machine; nothing changes its size")
    .argument('[worker|window|machine]', 'where to (default: the first machine)')
    .option('--print', 'print the command instead of running it')
    .addHelpText(
      'after',
      '\nDetach with the prefix and d. Move the view with the prefix and Shift-arrows.\n\nExamples:\n  burn attach AZOTH\n  burn attach CRUCIBLE\n  burn attach allegro --print',
    )
    .action((name: string | undefined, options: CommonOptions & { print?: boolean }) =>
      withSession(context, options, async (session) => {
        const [{ attachArgv }, { handOver }, { shellWords }] = await Promise.all([
          import('../../run/attach.ts'),
          import('../../host/exec.ts'),
          import('../../host/quote.ts'),
        ])
        const { machine, place } = find(session.fleet, name)
        const argv = await attachArgv(machine, place, session)
        if (options.json) context.io.out(JSON.stringify({ machine: machine.name, argv }))
        else if (options.print) context.io.out(shellWords(argv))
        else {
          if (!context.io.tty)
            throw new BurnError('no_terminal', 'there is no terminal to attach', 'run it in one, or print the command with --print', {
              exit: 2,
            })
          // tmux refuses to be started inside itself; another server's socket is another matter, so the hint that it is inside is taken away.
          return (await handOver(context.env['TMUX'] === undefined ? argv : ['env', '-u', 'TMUX', ...argv])) === 0 ? 0 : 1
        }
        return 0
      }),
    )
}

function find(fleet: Fleet, name: string | undefined): { machine: Machine; place: Place } {
  const machines = fleet.machines
  const machine = name === undefined ? machines[0] : machines.find((each) => each.name === name)
  if (machine !== undefined) return { machine, place: null }
  const wanted = name ?? ''
  const windows = machines.flatMap((each) =>
    each.windows.filter((window) => window.name === wanted || `${each.name}/${window.name}` === wanted).map(() => each),
  )
  const [first] = windows
  if (first !== undefined) return { machine: first, place: { window: wanted.slice(wanted.lastIndexOf('/') + 1) } }
  const ids = machines.flatMap((each) =>
    each.windows.flatMap((window) => [window.name, ...window.workers.flatMap((worker) => [worker.name, worker.id])]),
  )
  if (!ids.includes(wanted)) throw unknown('place', wanted, [...machines.map((each) => each.name), ...ids])
  const worker = workerNamed(fleet, wanted)
  return { machine: machines.find((each) => each.name === worker.machine) as Machine, place: { worker: worker.id } }
}
