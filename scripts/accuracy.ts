/**
 * Measures how often the parsers read recorded screens correctly. Prints a confusion matrix per agent kind, for screens of the real
 * programs (if they are on this machine) and of stand-ins. Exits with 1 if fewer than 98 % are right, or if a working or waiting agent is
 * read as idle. `--wrong` lists all frames that were read wrong.
 */
import { styleText } from 'node:util'
import { agentNames } from '../src/core/agent-kinds.ts'
import { table } from '../src/cli/table.ts'
import { framesIn, ownFrames, realFrames, score, undrawn, type Frame, type Score } from '../test/support/frames.ts'

const states = ['starting', 'idle', 'working', 'waiting', 'error', 'dead', 'unknown']
/** Minimum share of screens that the parsers must read correctly. */
const minAccuracy = 0.98

function lines(name: string, { frames, right, false_idle, matrix }: Score): string[] {
  const head = [name, ...states.map((state) => `→ ${state}`)]
  const rows = states
    .filter((state) => matrix.has(state))
    .map((state) => [state, ...states.map((read) => String(matrix.get(state)?.get(read) ?? '·'))])
  const good = right >= frames * minAccuracy && false_idle.length === 0
  const share = ((right / frames) * 100).toFixed(1)
  const summary = `${right} of ${frames} right (${share} %), ${false_idle.length} working or waiting read as idle`
  return [...table(head, rows), styleText(good ? 'green' : 'red', summary), '']
}

function report(title: string, frames: readonly Frame[] | null): boolean {
  console.log(styleText('bold', title))
  if (frames === null) {
    console.log('skipped: not on this machine\n')
    return true
  }
  const known = frames.filter(({ agent }) => agentNames.some((name) => name === agent))
  if (known.length < frames.length) console.log(`skipped ${frames.length - known.length} frames of unknown agent kinds`)
  const early = score(known.filter(({ file }) => undrawn.has(file)))
  if (early.wrong.length > 0)
    console.log(
      `${early.wrong.length} were recorded before the program drew their state. These frames count in the table, but not for the exit code.`,
    )
  const byAgent = Map.groupBy(known, ({ agent }) => agent)
  const parts = [...byAgent].map(([agent, some]) => [agent, score(some), score(some.filter(({ file }) => !undrawn.has(file)))] as const)
  const whole = score(known)
  for (const [agent, each] of [...parts, ['all', whole] as const]) console.log(lines(agent, each).join('\n'))
  if (process.argv.includes('--wrong')) console.log(`${whole.wrong.join('\n')}\n`)
  return parts.every(([, , drawn]) => drawn.right >= drawn.frames * minAccuracy && drawn.false_idle.length === 0)
}

const results = [report('Screens of the real programs', framesIn(realFrames)), report('Screens of stand-ins', framesIn(ownFrames))]
process.exitCode = results.every(Boolean) ? 0 : 1
