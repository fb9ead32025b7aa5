/** The demo in the terminal: one screen that redraws itself where a person looks on, plain lines elsewhere. */
import type { Progress } from './progress.ts'
import type { Stage } from './stage.ts'
import type { Io } from '../src/cli/io.ts'
import { fit, widthOf } from '../src/cli/table.ts'
import { lookInto } from './burn.ts'
import { counts, tasks } from './progress.ts'
import { lanes } from './stage.ts'

export interface Screen {
  show(progress: Progress): void
  /** Leaves the terminal as it was. */
  close(): void
}

const barLength = 30
const colours = { working: 'green', idle: 'cyan', waiting: 'yellow', error: 'red', dead: 'red' } as const

export function openScreen(stage: Stage, io: Io, inside: boolean): Screen {
  return io.tty ? drawn(stage, io, inside) : plain(stage, io, inside)
}

/** The alternate screen: what was in the terminal before comes back, and only the result is left in it. */
function drawn(stage: Stage, io: Io, inside: boolean): Screen {
  const control = (...sequences: string[]) => sequences.map(io.control).join('')
  io.write(control('?1049h', '?25l', 'H', '2J'))
  return {
    show(progress) {
      const most = io.size().height - 1
      const all = picture(progress, stage, io, inside)
      const rows = (all.length > most ? all.filter((row) => row !== '') : all).slice(0, most)
      io.write(`${control('H')}${rows.map((row) => `${row}${control('K')}\n`).join('')}${control('J')}`)
    },
    close: () => io.write(control('?25h', '?1049l')),
  }
}

function picture(progress: Progress, stage: Stage, io: Io, inside: boolean): string[] {
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
    '',
    `Look into a lane:  ${lookInto(stage, lanes[0].name, inside)}`,
    io.paint('gray', '(in another terminal; Ctrl-b d leaves it). Ctrl-C here ends the demo.'),
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

function plain(stage: Stage, io: Io, inside: boolean): Screen {
  let said = 0
  let before = ''
  return {
    show(progress) {
      for (const line of progress.commands.slice(said)) io.out(`$ ${line}`)
      if (said === 0) io.out(`While it runs, look into a lane from another terminal:  ${lookInto(stage, lanes[0].name, inside)}`)
      said = progress.commands.length
      const { handed, review } = counts(progress)
      const now = `cycle ${progress.cycles}: ${handed} of ${tasks} handed, ${review} open for review`
      if (progress.cycles > 0 && now.slice(now.indexOf(':')) !== before) io.out(now)
      before = now.slice(now.indexOf(':'))
    },
    close: () => {},
  }
}
