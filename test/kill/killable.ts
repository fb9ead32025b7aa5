/**
 * A dispatcher that kills itself with SIGKILL at its nth boundary. Boundaries are before (odd) and after (even) each write to the ledger,
 * and each effect on a pane or the forge. Usage: `killable.ts SPEC HOME BOUNDARY AHEAD CYCLES`. Boundary 0 never comes. Its clock is AHEAD
 * milliseconds fast, so that the leases of killed processes have run out. It prints the number of boundaries that it reached.
 */
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { dispatch } from '../../src/cycle/loop.ts'
import { killAt } from './boundaries.ts'

const [spec = '', home = '', boundary = '0', ahead = '0', cycles = '1'] = process.argv.slice(2)
const clock = { ...systemClock, now: () => Date.now() + Number(ahead) }
const { session, close } = await openSession(
  { spec },
  { clock, env: {}, home, cwd: home, notify: ({ subject, text }) => console.error(`${subject}: ${text}`) },
)
const met = await killAt(Number(boundary), session)
await dispatch(session.fleet.machines, session, new AbortController().signal, {
  cycles: Number(cycles),
  interval: 100,
  onCycle: () => {},
})
await close()
console.log(met())
