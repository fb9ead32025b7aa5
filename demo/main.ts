/** `npm run demo`: the main job on an embedded default. `--keep` leaves the fleet up. */
import type { CycleLine, Progress, StatusLine } from './progress.ts'
import type { Stage } from './stage.ts'
import type { Screen } from './screen.ts'
import { processIo, type Io } from '../src/cli/io.ts'
import { burn, endServer, follow, typed } from './burn.ts'
import { afterCycle, afterStatus, isOver, nothingYet } from './progress.ts'
import { handyman } from '../test/stand-ins/model/handyman.ts'
import { startModel } from '../test/stand-ins/model/server.ts'
import { sayFurther, sayOutcomes } from './result.ts'
import { openScreen } from './screen.ts'
import { playSprint } from './sprint.ts'
import { setStage } from './stage.ts'
import { verify, type Outcome } from './verify.ts'

/** A demo that takes longer than this says what is missing, milliseconds. */
const limit = 40_000

class Stopped extends Error {}

async function main(args: readonly string[], io: Io): Promise<number> {
  const keep = args.includes('--keep')
  const strange = args.filter((word) => word !== '--keep')
  if (strange.length > 0) {
    io.err(`demo: it has one option, --keep (leave the fleet up); not ${strange.join(' ')}`)
    return 2
  }
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  // A terminal that is gone, or a reader that has seen enough, ends the demo as Ctrl-C does: the fleet must not stay.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort())
  const inside = process.env['TMUX'] !== undefined
  const began = performance.now()
  const model = await startModel({ script: handyman, models: ['demo-model'] })
  const stage = await setStage(process.env, model.url)
  let up = false
  try {
    io.out(`The demo's folder: ${stage.dir}`)
    const outcomes = await play(stage, io, inside, stop.signal)
    up = keep
    const end = { outcomes, seconds: (performance.now() - began) / 1000, keep, inside }
    sayOutcomes(end, io)
    const wrong = await playSprint(stage, io, stop.signal)
    io.out(
      wrong === null
        ? 'Its branch was compared with what the issue asks for, too: it is right.'
        : io.paint('red', `The sprint did not do it: ${wrong}`),
    )
    sayFurther(end, stage, io)
    return outcomes.every((outcome) => outcome.wrong === null) && wrong === null ? 0 : 1
  } catch (thrown) {
    if (!(thrown instanceof Stopped)) throw thrown
    io.err(`Stopped. What there was is in ${stage.dir}.`)
    return 130
  } finally {
    await model.close()
    if (!up) await endServer(stage, process.getuid?.() ?? 0)
  }
}

/** Runs the commands under a live screen, which is gone again when this returns or throws. */
async function play(stage: Stage, io: Io, inside: boolean, stop: AbortSignal): Promise<Outcome[]> {
  const commands: string[] = []
  const screen = openScreen(stage, io, inside)
  let progress: Progress = nothingYet
  const announce = (words: readonly string[]) => {
    commands.push(typed(words))
    progress = { ...progress, commands: [...commands] }
    screen.show(progress)
  }
  try {
    for (const words of [['up'], ['christen', '--parallel', '6']]) {
      announce(words)
      await burn(stage, words, stop)
      if (stop.aborted) throw new Stopped()
    }
    announce(['dispatch', '--cycles', '0', '--interval', '1'])
    await work(stage, progress, screen, stop)
  } finally {
    screen.close()
  }
  if (io.tty) for (const line of commands) io.out(io.paint('gray', `$ ${line}`))
  return verify(stage, (words) => {
    io.out(io.paint('gray', `$ ${typed(words.filter((word) => word !== '--json'))}`))
    return burn(stage, words, stop)
  })
}

/** Cycles until everything is done, a person stops it, or the time is over. */
async function work(stage: Stage, first: Progress, screen: Screen, stop: AbortSignal): Promise<void> {
  let progress = first
  let finish: (why: Error | null) => void = () => {}
  const over = new Promise<Error | null>((done) => (finish = done))
  const change = (next: Progress) => {
    progress = next
    screen.show(progress)
    if (isOver(progress)) finish(null)
  }
  const ended = (why: string) => finish(new Error(why))
  const timer = setTimeout(() => finish(null), limit)
  const interrupt = () => finish(new Stopped())
  stop.addEventListener('abort', interrupt)
  if (stop.aborted) interrupt()
  const running = [
    follow<CycleLine>(
      stage,
      ['dispatch', '--cycles', '0', '--interval', '1', '--json'],
      (line) => change(afterCycle(progress, line)),
      ended,
    ),
    follow<StatusLine>(stage, ['status', '--watch', '--interval', '1', '--json'], (line) => change(afterStatus(progress, line)), ended),
  ]
  const why = await over
  clearTimeout(timer)
  stop.removeEventListener('abort', interrupt)
  await Promise.all(running.map((each) => each.stop()))
  if (why !== null) throw why
}

const io = processIo(Math.random)
try {
  process.exitCode = await main(process.argv.slice(2), io)
} catch (thrown) {
  io.err(`demo: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  process.exitCode = 1
}
