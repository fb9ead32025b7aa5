/** `burn attach`, `answer` and `classify`: show panes, answer questions of agents, and classify recorded screens. */
import type { Fleet, Machine } from '../../core/nouns.ts'
import type { Answered, OpenQuestion } from '../../operate/answer.ts'
import type { AttachTarget } from '../../operate/attach.ts'
import { BurnError } from '../../core/errors.ts'
import { answeredText, questionLines } from '../answer-lines.ts'
import { command, done } from '../command.ts'
import { allWorkers, unknownNameError, workerNamed } from '../named.ts'
import { flag, optional, parsePositive, parsedArg, text, parseWholeNumber } from '../args.ts'

export const attachCommand = command({
  args: {
    place: optional('[worker|window|machine]', 'Worker, window or machine to show (default: the first machine)'),
    print: flag('--print', 'Print the tmux command instead of running it'),
  },
  examples: ['burn attach AZOTH', 'burn attach CRUCIBLE', 'burn attach allegro --print'],
  notes: [
    'burn attach does not resize windows. To detach, press the tmux prefix, then "d". To move the view, press the prefix, then Shift and an arrow key. If the terminal is lower than the pane, the view begins at the composer.',
  ],
  async run({ open, io, env, common }, given) {
    const { session } = await open()
    const { attachArgv, outsideTmux } = await import('../../operate/attach.ts')
    const { machine, place } = placeNamed(session.fleet, given.place)
    const argv = outsideTmux(await attachArgv(machine, place, io.tty ? io.size().height : Infinity, session), env)
    if (given.print || common.json) {
      const { shellWords } = await import('../../host/quote.ts')
      return done({ machine: machine.name, argv, command: shellWords(argv) })
    }
    if (!io.tty)
      throw new BurnError(
        'no_terminal',
        'standard output is not a terminal',
        'run burn attach in a terminal, or print the tmux command with --print',
        {
          exit: 2,
        },
      )
    const { runInTerminal } = await import('../../host/exec.ts')
    return (await runInTerminal(argv)) === 0 ? 0 : 1
  },
  present: (attached, io) => io.out(attached.command),
})

/**
 * Returns the machine with this name; if no machine has it, the window; if no window has it, the worker. If several machines have a window
 * CRUCIBLE, `mac/CRUCIBLE` selects one. Without a name it returns the first machine. Throws BurnError `window_ambiguous`,
 * `worker_ambiguous` or `place_unknown` (exit 2).
 */
function placeNamed(fleet: Fleet, name: string | undefined): { machine: Machine; place: AttachTarget } {
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
    const hint = `write one of these names: ${found.map(({ id }) => id).join(', ')}`
    throw new BurnError('window_ambiguous', `${found.length} windows have the name ${wanted}`, hint, { exit: 2 })
  }
  if (first !== undefined) return { machine: first.machine, place: { window: first.window } }
  const ids = [...windows.flatMap(({ window, id }) => [window, id]), ...allWorkers(fleet).flatMap((worker) => [worker.name, worker.id])]
  if (!ids.includes(wanted)) throw unknownNameError('place', wanted, [...machines.map((each) => each.name), ...ids])
  const worker = workerNamed(fleet, wanted)
  return { machine: machines.find((each) => each.name === worker.machine)!, place: { worker: worker.id } }
}

type Answering = (OpenQuestion & { readonly mark: string }) | Answered

export const answerCommand = command({
  args: {
    worker: text('<worker>', 'Worker that asks the question'),
    choice: optional('[choice]', 'Number or first words of a choice, your own text, or "cancel" (default: show the question)'),
    if: optional('--if <mark>', 'Answer only if the question still has this hash; `burn answer` prints the hash with the question'),
  },
  examples: ['burn answer AZOTH', 'burn answer AZOTH 2', 'burn answer AZOTH "allow once"'],
  async run({ open }, given) {
    const { session } = await open()
    const { answer, readQuestion, markOf } = await import('../../operate/answer.ts')
    const worker = workerNamed(session.fleet, given.worker)
    if (given.choice === undefined) {
      const asked = await readQuestion(worker, session)
      return done<Answering>({ ...asked, mark: markOf(asked.question) })
    }
    const answered = await answer(worker, given.choice, session, given.if ?? null)
    return done<Answering>(answered, answered.outcome === 'taken' ? 0 : 1)
  },
  present(shown: Answering, io, { worker }) {
    if ('outcome' in shown) return io.out(answeredText(shown))
    io.out(...questionLines(shown, io))
    io.out(io.paint('gray', `Answer with: burn answer ${worker} <choice> --if ${shown.mark}`))
  },
})

export const classifyCommand = command({
  args: {
    agent: text('-a, --agent <kind>', 'Kind of the agent that drew the screen'),
    title: parsedArg('--title <title>', 'Title of the pane', String, ''),
    command: parsedArg('--command <command>', 'Current command of the pane', String, ''),
    dead: flag('--dead', 'Treat the pane as dead, as if its process had ended'),
    width: parsedArg(
      '--width <columns>',
      'Width of the pane (default: the length of the longest row in the recorded screen)',
      parsePositive,
      null,
    ),
    height: parsedArg('--height <rows>', 'Height of the pane (default: the number of rows in the recorded screen)', parsePositive, null),
    cursor: parsedArg(
      '--cursor <x,y>',
      'Position of the cursor, from 0,0 at the top left (default: 0,0)',
      (word) => word.split(',').map(parseWholeNumber),
      [0, 0],
    ),
  },
  examples: ['tmux capture-pane -p -t %5 | burn classify --agent hermes --width 120'],
  notes: ['burn classify reads the screen from standard input, and prints JSON.'],
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
