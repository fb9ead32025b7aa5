/** Shows the progress of the demo: a live screen on a terminal, plain lines in a pipe. */
import type { FeedbackLine } from './feedback.ts'
import type { Progress } from './progress.ts'
import type { DemoSetup } from './setup.ts'
import type { Io } from '../src/cli/io.ts'
import { fit, widthOf } from '../src/cli/wrap.ts'
import { attachCommand } from './burn.ts'
import { counts, tasks } from './progress.ts'
import { lanes } from './setup.ts'

/** A display of the progress. */
export interface Screen {
  show(progress: Progress): void
  /** Restores the terminal. */
  close(): void
}

const barLength = 30
const colours = { working: 'green', idle: 'cyan', waiting: 'yellow', error: 'red', dead: 'red' } as const

/** Opens the display. `inside`: the person's terminal is a tmux pane. */
export function openScreen(setup: DemoSetup, io: Io, inside: boolean): Screen {
  return io.tty ? drawn(setup, io, inside) : plain(setup, io, inside)
}

/** Draws on the alternate screen, so that the terminal has only the result at the end. */
function drawn(setup: DemoSetup, io: Io, inside: boolean): Screen {
  const control = (...sequences: string[]) => sequences.map(io.control).join('')
  io.write(control('?1049h', '?25l', 'H', '2J'))
  return {
    show(progress) {
      const maxRows = io.size().height - 1
      const all = picture(progress, setup, io, inside)
      const rows = (all.length > maxRows ? all.filter((row) => row !== '') : all).slice(0, maxRows)
      io.write(`${control('H')}${rows.map((row) => `${row}${control('K')}\n`).join('')}${control('J')}`)
    },
    close: () => io.write(control('?25h', '?1049l')),
  }
}

function picture(progress: Progress, setup: DemoSetup, io: Io, inside: boolean): string[] {
  const { width } = io
  const { handed, review } = counts(progress)
  const done = Math.round((review / tasks) * barLength)
  return [
    io.paint('bold', 'burn: 24 issues, 3 repos, 12 workers'),
    '',
    ...progress.commands.slice(-4).map((line) => io.paint('gray', fit(`$ ${line}`, width))),
    ...lanes.flatMap((lane) => [
      '',
      `${io.paint('bold', lane.name)}  ${lane.lane}, ${lane.repos.join(', ')}`,
      ...lane.names.map((name) => workerRow(`here/${lane.name}/${name}`, name, progress, io, width)),
    ]),
    '',
    `${io.paint('green', '█'.repeat(done))}${io.paint('gray', '░'.repeat(barLength - done))}  ${handed} of ${tasks} handed, ${review} open for review, cycle ${progress.cycles}`,
    ...progress.feedback.map((line) => fit(feedbackRow(line), width)),
    '',
    `Attach to a lane:  ${attachCommand(setup, lanes[0].name, inside)}`,
    io.paint('gray', '(in another terminal; Ctrl-b d detaches). Ctrl-C here ends the demo.'),
  ]
}

function workerRow(id: string, name: string, progress: Progress, io: Io, width: number): string {
  const state = progress.workers.get(id) ?? '·'
  const own = [...progress.given.values()].filter(({ worker }) => worker === id)
  const marks = { claimed: '…', handed: '▸', review: '✓', done: '✓' } as Readonly<Record<string, string>>
  const tasksOf = own.map(
    ({ issue, state: at, kind }) => `${kind === 'council' ? '?' : (marks[at] ?? '✗')} ${issue.replace(/^local\//, '')}`,
  )
  const colour = colours[state as keyof typeof colours] ?? 'gray'
  const head = `  ${name}${' '.repeat(Math.max(1, 14 - widthOf(name)))}${io.paint(colour, state)}${' '.repeat(Math.max(1, 10 - state.length))}`
  return `${head}${fit(tasksOf.join('   '), Math.max(10, width - 26))}`
}

function feedbackRow({ issue, what, state }: FeedbackLine): string {
  const happened = { awaited: 'waits for its change', given: 'came back to its worker', fixed: 'came back, and its worker fixed it' }
  return `${state === 'fixed' ? '✓' : '…'} ${issue} ${what}: ${happened[state]}`
}

function plain(setup: DemoSetup, io: Io, inside: boolean): Screen {
  let printed = 0
  let before = ''
  let shown: readonly FeedbackLine[] = []
  return {
    show(progress) {
      for (const line of progress.commands.slice(printed)) io.out(`$ ${line}`)
      if (printed === 0) io.out(`While it runs, attach to a lane from another terminal:  ${attachCommand(setup, lanes[0].name, inside)}`)
      printed = progress.commands.length
      const { handed, review } = counts(progress)
      const now = `cycle ${progress.cycles}: ${handed} of ${tasks} handed, ${review} open for review`
      if (progress.cycles > 0 && now.slice(now.indexOf(':')) !== before) io.out(now)
      before = now.slice(now.indexOf(':'))
      for (const line of progress.feedback) if (line.state !== 'awaited' && !shown.includes(line)) io.out(feedbackRow(line))
      shown = progress.feedback
    },
    close: () => {},
  }
}
