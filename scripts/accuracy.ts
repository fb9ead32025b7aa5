/**
 * How often screens are read right: a confusion matrix for each agent kind over the recorded screens of the real programs, where they stand
 * beside the repo, and over those that the stand-ins drew. Ends with 1 where less than 98 % are right, or a working or waiting agent was
 * read as idle. `--wrong` lists every frame that was not read right.
 */
import { styleText } from 'node:util'
import { agentNames } from '../src/core/agent-kinds.ts'
import { table } from '../src/cli/table.ts'
import { framesIn, ownFrames, realFrames, score, undrawn, type Frame, type Score } from '../test/support/frames.ts'

const states = ['starting', 'idle', 'working', 'waiting', 'error', 'dead', 'unknown']
const least = 0.98

function lines(name: string, { frames, right, lies, matrix }: Score): string[] {
  const head = [name, ...states.map((state) => `→ ${state}`)]
  const rows = states
    .filter((state) => matrix.has(state))
    .map((state) => [state, ...states.map((read) => String(matrix.get(state)?.get(read) ?? '·'))])
  const good = right >= frames * least && lies.length === 0
  const says = `${right} of ${frames} right (${((right / frames) * 100).toFixed(1)} %), ${lies.length} working or waiting read as idle`
  return [...table(head, rows), styleText(good ? 'green' : 'red', says), '']
}

function report(title: string, frames: readonly Frame[] | null): boolean {
  console.log(styleText('bold', title))
  if (frames === null) {
    console.log('not here: skipped\n')
    return true
  }
  const known = frames.filter(({ agent }) => agentNames.some((name) => name === agent))
  if (known.length < frames.length) console.log(`${frames.length - known.length} frames are of kinds that are not known: skipped`)
  const early = score(known.filter(({ file }) => undrawn.has(file)))
  if (early.wrong.length > 0)
    console.log(
      `${early.wrong.length} were recorded before their state was drawn, and look like another: counted, but not held against the reader`,
    )
  const byAgent = Map.groupBy(known, ({ agent }) => agent)
  const parts = [...byAgent].map(([agent, some]) => [agent, score(some), score(some.filter(({ file }) => !undrawn.has(file)))] as const)
  const whole = score(known)
  for (const [agent, each] of [...parts, ['all', whole] as const]) console.log(lines(agent, each).join('\n'))
  if (process.argv.includes('--wrong')) console.log(`${whole.wrong.join('\n')}\n`)
  return parts.every(([, , drawn]) => drawn.right >= drawn.frames * least && drawn.lies.length === 0)
}

const results = [report('Screens of the real programs', framesIn(realFrames)), report("The stand-ins' screens", framesIn(ownFrames))]
process.exitCode = results.every(Boolean) ? 0 : 1
