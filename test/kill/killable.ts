/**
 * A dispatcher that kills itself with SIGKILL at its nth boundary. Boundaries are before (odd) and after (even) each write to the ledger,
 * and each effect on a pane or the forge. Usage: `killable.ts SPEC HOME BOUNDARY AHEAD CYCLES`. Boundary 0 never comes. Its clock is AHEAD
 * milliseconds fast, so that the leases of killed processes have run out. It prints the number of boundaries that it reached.
 */
import type { TmuxCommand } from '../../src/core/ports.ts'
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { dispatch } from '../../src/cycle/loop.ts'

const [spec = '', home = '', boundary = '0', ahead = '0', cycles = '1'] = process.argv.slice(2)
let boundariesMet = 0

function reachBoundary(): void {
  if (++boundariesMet === Number(boundary)) process.kill(process.pid, 'SIGKILL')
}

/** Puts a boundary before and after each call of these methods. `counts` excludes calls that change nothing. */
function addBoundaries(object: object, names: readonly string[], counts: (args: readonly unknown[]) => boolean = () => true): void {
  const methods = object as Record<string, (...args: unknown[]) => Promise<unknown>>
  for (const name of names) {
    const method = methods[name]?.bind(object)
    if (method === undefined) throw new Error(`there is no ${name}`)
    methods[name] = async (...args) => {
      if (!counts(args)) return method(...args)
      reachBoundary()
      const result = await method(...args)
      reachBoundary()
      return result
    }
  }
}

const clock = { ...systemClock, now: () => Date.now() + Number(ahead) }
const { session, close } = await openSession(
  { spec },
  { clock, env: {}, home, cwd: home, notify: ({ subject, text }) => console.error(`${subject}: ${text}`) },
)
addBoundaries(session.ledger, [
  'saveIssues',
  'saveWriters',
  'saveChangeCursors',
  'saveVerdicts',
  'saveWaitReasons',
  'rejudgeIfRulesChanged',
  'saveReadings',
  'claim',
  'moveDispatches',
  'saveComments',
  'moveDeliveries',
  'takeOverDeliveries',
  'releaseLeases',
])
addBoundaries(session.forge, ['comment', 'editComment'])
for (const host of await session.machines.open(session.fleet.machines)) {
  const { tmux } = host
  addBoundaries(host, ['write'])
  if (tmux === null) throw new Error('the machine has no tmux server')
  addBoundaries(tmux, ['run'], ([lines]) =>
    (lines as readonly (readonly TmuxCommand[])[]).some((line) => /paste-buffer|send-keys/.test(String(line))),
  )
}
await dispatch(session.fleet.machines, session, new AbortController().signal, {
  cycles: Number(cycles),
  interval: 100,
  onCycle: () => {},
})
await close()
console.log(boundariesMet)
