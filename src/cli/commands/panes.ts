/** `burn attach`, `capture`, `answer` and `classify`: what a pane shows, and a person in front of it. */
import type { Fleet, Machine } from '../../core/nouns.ts'
import type { Place } from '../../operate/attach.ts'
import type { Io } from '../io.ts'
import { BurnError } from '../../core/errors.ts'
import { command, done } from '../command.ts'
import { allWorkers, unknownNameError, workerNamed } from '../named.ts'
import { flag, optional, positive, parsedArg, text, wholeNumber } from '../args.ts'

export const attachCommand = command({
  args: {
    place: optional('[worker|window|machine]', 'where to (default: the first machine)'),
    print: flag('--print', 'print the command instead of running it'),
  },
  examples: ['burn attach AZOTH', 'burn attach CRUCIBLE', 'burn attach allegro --print'],
  notes: ['It changes no size. Detach with the prefix and d. Move the view with the prefix and Shift-arrows.'],
  async run({ open, io, env, common }, given) {
    const { session } = await open()
    const { attachArgv } = await import('../../operate/attach.ts')
    const { machine, place } = find(session.fleet, given.place)
    // tmux refuses to be started inside itself; another server's socket is another matter, so the hint that it is inside is taken away.
    const outside = env['TMUX'] === undefined ? [] : ['env', '-u', 'TMUX']
    const argv = [...outside, ...(await attachArgv(machine, place, session))]
    if (given.print || common.json) {
      const { shellWords } = await import('../../host/quote.ts')
      return done({ machine: machine.name, argv, command: shellWords(argv) })
    }
    if (!io.tty)
      throw new BurnError('no_terminal', 'there is no terminal to attach', 'run it in one, or print the command with --print', { exit: 2 })
    const { handOver } = await import('../../host/exec.ts')
    return (await handOver(argv)) === 0 ? 0 : 1
  },
  present: (attached, io) => io.out(attached.command),
})

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
  if (!ids.includes(wanted)) throw unknownNameError('place', wanted, [...machines.map((each) => each.name), ...ids])
  const worker = workerNamed(fleet, wanted)
  return { machine: machines.find((each) => each.name === worker.machine)!, place: { worker: worker.id } }
}

export const captureCommand = command({
  args: {
    worker: text('<worker>', 'whose pane'),
    lines: parsedArg('-l, --lines <n>', 'rows of history above the screen, too', wholeNumber, 0),
    ansi: flag('--ansi', 'with colours, as escape sequences; no other sequence of the screen is printed'),
  },
  examples: ['burn capture AZOTH', 'burn capture AZOTH --lines 200 > azoth.txt'],
  async run({ open }, given) {
    const { session } = await open()
    const { captureWorker } = await import('../../operate/capture.ts')
    const worker = workerNamed(session.fleet, given.worker)
    return done({ worker: worker.id, rows: await captureWorker(worker, session, given) })
  },
  present: ({ rows }, io) => io.out(...rows.map((row) => coloured(row, io))),
})

/** Only colours and styles of a screen pass; everything else that a terminal obeys is taken away where all text is. */
function coloured(row: string, io: Io): string {
  return row.replace(/\x1b\[([\d;:]*m)/g, (_, style: string) => io.control(style))
}

type Answering =
  | { readonly worker: string; readonly detail: string | null; readonly question: string; readonly mark: string }
  | { readonly worker: string; readonly outcome: string; readonly state: string }

export const answerCommand = command({
  args: {
    worker: text('<worker>', 'who asks'),
    choice: optional('[choice]', 'the number or the beginning of what it offers; its own text if it takes one; cancel'),
    if: optional('--if <mark>', 'only if it still asks this: the mark that is shown with its question'),
  },
  examples: ['burn answer AZOTH', 'burn answer AZOTH 2', 'burn answer AZOTH "allow once"'],
  async run({ open }, given) {
    const { session } = await open()
    const { answer, askedBy, markOf } = await import('../../operate/answer.ts')
    const worker = workerNamed(session.fleet, given.worker)
    if (given.choice === undefined) {
      const asked = await askedBy(worker, session)
      return done<Answering>({ ...asked, mark: markOf(asked.question) })
    }
    const answered = await answer(worker, given.choice, session, given.if ?? null)
    return done<Answering>(answered, answered.outcome === 'taken' ? 0 : 1)
  },
  present(shown: Answering, io, { worker }) {
    if ('outcome' in shown) {
      const still = `${shown.worker} still asks: look at its pane (burn attach ${shown.worker})`
      return io.out(shown.outcome === 'taken' ? `${shown.worker} took it and is ${shown.state}` : still)
    }
    io.out(io.paint('yellow', `${shown.worker} waits: ${shown.detail ?? 'a question'}`), ...shown.question.split('\n'))
    io.out(io.paint('gray', `burn answer ${worker} <choice> --if ${shown.mark}`))
  },
})

export const classifyCommand = command({
  args: {
    agent: text('-a, --agent <kind>', 'which agent program drew it'),
    title: parsedArg('--title <title>', "the pane's title", String, ''),
    command: parsedArg('--command <command>', "the pane's current command", String, ''),
    dead: flag('--dead', 'the pane is dead'),
    width: parsedArg('--width <columns>', 'of the pane (default: its longest row)', positive, null),
    height: parsedArg('--height <rows>', 'of the pane (default: its rows)', positive, null),
    cursor: parsedArg('--cursor <x,y>', 'where its cursor is', (word) => word.split(',').map(wholeNumber), [0, 0]),
  },
  examples: ["tmux capture-pane -p -t %5 | burn classify --agent hermes --title '' --width 120 --height 30"],
  notes: ['It prints JSON.'],
  async run({ io }, { agent, title, command: running, dead, width, height, cursor }) {
    const { paneAgent } = await import('../../agents/index.ts')
    const kind = paneAgent({ kind: agent })
    const screen = (await io.readInput()).replace(/\n$/, '').split('\n')
    const [cursor_x = 0, cursor_y = 0] = cursor
    const { reading, composer, draft, question } = kind.parseScreen(screen, {
      width: width ?? Math.max(...screen.map((row) => row.length)),
      height: height ?? screen.length,
      title,
      command: running,
      dead,
      cursor_x,
      cursor_y,
    })
    return done({ ...reading, composer, draft, question: question ?? null })
  },
  present: (seen, io) => io.json(seen),
})
