/** `npm run demo`: shows burn on a prepared backlog, with stand-in agents. `--keep` leaves the fleet running. */
import type { CycleLine, Progress, StatusLine } from './progress.ts'
import type { DemoSetup } from './setup.ts'
import type { Screen } from './screen.ts'
import { processIo, type Io } from '../src/cli/io.ts'
import { burn, endServer, follow, typed } from './burn.ts'
import { afterCycle, afterStatus, isOver, noProgress } from './progress.ts'
import { giveFeedback } from './feedback.ts'
import { handyman } from '../test/stand-ins/model/handyman.ts'
import { startModel } from '../test/stand-ins/model/server.ts'
import { printNextSteps, printOutcomes } from './result.ts'
import { openScreen } from './screen.ts'
import { runSprint } from './sprint.ts'
import { setUpDemo } from './setup.ts'
import { verify, type Outcome } from './verify.ts'

/** Maximum duration of the cycles (ms). After this time, the demo reports the missing results. */
const limit = 40_000

/** Thrown if a person stops the demo. */
class Stopped extends Error {}

async function main(args: readonly string[], io: Io): Promise<number> {
  const keep = args.includes('--keep')
  const unknown = args.filter((word) => word !== '--keep')
  if (unknown.length > 0) {
    io.err(`demo: unknown arguments: ${unknown.join(' ')}. The only option is --keep, which leaves the fleet running.`)
    return 2
  }
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  // A closed terminal or pipe stops the demo like Ctrl-C, so that the fleet does not keep running.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort())
  const inside = process.env['TMUX'] !== undefined
  const began = performance.now()
  const model = await startModel({ script: handyman, models: ['demo-model'] })
  const setup = await setUpDemo(process.env, model.url)
  let up = false
  try {
    io.out(`Folder of the demo: ${setup.dir}`)
    const outcomes = await runCommands(setup, io, inside, stop.signal)
    up = keep
    const end = { outcomes, seconds: (performance.now() - began) / 1000, keep, inside }
    printOutcomes(end, io)
    const wrong = await runSprint(setup, io, stop.signal)
    io.out(
      wrong === null
        ? 'The branch of the sprint was also compared with its issue: it is right.'
        : io.paint('red', `The sprint failed: ${wrong}`),
    )
    printNextSteps(end, setup, io)
    return outcomes.every((outcome) => outcome.wrong === null) && wrong === null ? 0 : 1
  } catch (thrown) {
    if (!(thrown instanceof Stopped)) throw thrown
    io.err(`Stopped. The files of the demo are in ${setup.dir}.`)
    return 130
  } finally {
    await model.close()
    if (!up) await endServer(setup, process.getuid?.() ?? 0)
  }
}

/** Runs the commands under a live screen, which is closed at the end. Returns the verified outcomes. */
async function runCommands(setup: DemoSetup, io: Io, inside: boolean, stop: AbortSignal): Promise<Outcome[]> {
  const commands: string[] = []
  const screen = openScreen(setup, io, inside)
  let progress: Progress = noProgress
  const announce = (words: readonly string[]) => {
    commands.push(typed(words))
    progress = { ...progress, commands: [...commands] }
    screen.show(progress)
  }
  try {
    for (const words of [['up'], ['christen', '--parallel', '6']]) {
      announce(words)
      await burn(setup, words, stop)
      if (stop.aborted) throw new Stopped()
    }
    announce(['dispatch', '--cycles', '0', '--interval', '1'])
    await runCycles(setup, progress, screen, stop)
  } finally {
    screen.close()
  }
  if (io.tty) for (const line of commands) io.out(io.paint('gray', `$ ${line}`))
  return verify(setup, (words) => {
    io.out(io.paint('gray', `$ ${typed(words.filter((word) => word !== '--json'))}`))
    return burn(setup, words, stop)
  })
}

/** Runs cycles until all issues are done, a person stops the demo, or the time limit is reached. */
async function runCycles(setup: DemoSetup, first: Progress, screen: Screen, stop: AbortSignal): Promise<void> {
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
      setup,
      ['dispatch', '--cycles', '0', '--interval', '1', '--json'],
      (line) => change(afterCycle(progress, line)),
      ended,
    ),
    follow<StatusLine>(setup, ['status', '--watch', '--interval', '1', '--json'], (line) => change(afterStatus(progress, line)), ended),
  ]
  const feedback = giveFeedback(setup, (lines) => change({ ...progress, feedback: lines }))
  const why = await over
  feedback.stop()
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
