/** `burn attach`: puts a person into the right pane. */
import { Command } from 'commander'
import type { Fleet, Machine } from '../../core/nouns.ts'
import type { Place } from '../../operate/attach.ts'
import type { CommonOptions, Context } from '../context.ts'
import { BurnError } from '../../core/errors.ts'
import { allWorkers, unknown, withCommon, withSession, workerNamed } from '../context.ts'

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
          import('../../operate/attach.ts'),
          import('../../host/exec.ts'),
          import('../../host/quote.ts'),
        ])
        const { machine, place } = find(session.fleet, name)
        // tmux refuses to be started inside itself; another server's socket is another matter, so the hint that it is inside is taken away.
        const outside = context.env['TMUX'] === undefined ? [] : ['env', '-u', 'TMUX']
        const argv = [...outside, ...(await attachArgv(machine, place, session))]
        if (options.json) context.io.out(JSON.stringify({ machine: machine.name, argv }))
        else if (options.print) context.io.out(shellWords(argv))
        else {
          if (!context.io.tty)
            throw new BurnError('no_terminal', 'there is no terminal to attach', 'run it in one, or print the command with --print', {
              exit: 2,
            })
          return (await handOver(argv)) === 0 ? 0 : 1
        }
        return 0
      }),
    )
}

/** A machine, else a window, else a worker by its name; whatever has several of a name is named whole (`mac/CRUCIBLE`). */
function find(fleet: Fleet, name: string | undefined): { machine: Machine; place: Place } {
  const machines = fleet.machines
  const machine = name === undefined ? machines[0] : machines.find((each) => each.name === name)
  if (machine !== undefined) return { machine, place: null }
  const wanted = name ?? ''
  const windows = machines.flatMap((each) =>
    each.windows.map((window) => ({ machine: each, window: window.name, id: `${each.name}/${window.name}` })),
  )
  const found = windows.filter(({ window, id }) => window === wanted || id === wanted)
  const [first] = found
  if (found.length > 1) {
    const hint = `say which: ${found.map(({ id }) => id).join(', ')}`
    throw new BurnError('window_ambiguous', `${wanted} is the name of ${found.length} windows`, hint, { exit: 2 })
  }
  if (first !== undefined) return { machine: first.machine, place: { window: first.window } }
  const ids = [...windows.flatMap(({ window, id }) => [window, id]), ...allWorkers(fleet).flatMap((worker) => [worker.name, worker.id])]
  if (!ids.includes(wanted)) throw unknown('place', wanted, [...machines.map((each) => each.name), ...ids])
  const worker = workerNamed(fleet, wanted)
  return { machine: machines.find((each) => each.name === worker.machine) as Machine, place: { worker: worker.id } }
}
