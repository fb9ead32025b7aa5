/**
 * A dispatcher that ends itself by SIGKILL at its nth boundary: before (odd) or after (even) a write of the ledger, or an effect on a pane or the
 * forge. `killable.ts SPEC HOME BOUNDARY AHEAD CYCLES`: 0 is never; its clock goes AHEAD milliseconds before the system's, so that a dead process's
 * leases have run out. Prints how many boundaries it met.
 */
import type { TmuxCommand } from '../../src/core/ports.ts'
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { dispatch } from '../../src/cycle/loop.ts'

const [spec = '', home = '', boundary = '0', ahead = '0', cycles = '1'] = process.argv.slice(2)
let met = 0

function pass(): void {
  if (++met === Number(boundary)) process.kill(process.pid, 'SIGKILL')
}

/** Puts a boundary before and after each call of these methods; `counts` leaves out calls that change nothing. */
function guard(object: object, names: readonly string[], counts: (given: readonly unknown[]) => boolean = () => true): void {
  const methods = object as Record<string, (...given: unknown[]) => Promise<unknown>>
  for (const name of names) {
    const method = methods[name]?.bind(object)
    if (method === undefined) throw new Error(`there is no ${name}`)
    methods[name] = async (...given) => {
      if (!counts(given)) return method(...given)
      pass()
      const result = await method(...given)
      pass()
      return result
    }
  }
}

const clock = { ...systemClock, now: () => Date.now() + Number(ahead) }
const { session, close } = await openSession(
  { spec },
  { clock, env: {}, home, cwd: home, notify: ({ subject, text }) => console.error(`${subject}: ${text}`) },
)
guard(session.ledger, [
  'saveIssues',
  'saveWriters',
  'saveChangesSeen',
  'saveVerdicts',
  'saveWaiting',
  'rejudgeIfRulesChanged',
  'saveReadings',
  'claim',
  'moveDispatches',
  'saveComments',
  'moveDeliveries',
  'takeOverDeliveries',
  'releaseLeases',
])
guard(session.forge, ['comment', 'editComment'])
for (const host of await session.machines.open(session.fleet.machines)) {
  const { tmux } = host
  guard(host, ['write'])
  if (tmux === null) throw new Error('the machine is not up')
  guard(tmux, ['run'], ([lines]) =>
    (lines as readonly (readonly TmuxCommand[])[]).some((line) => /paste-buffer|send-keys/.test(String(line))),
  )
}
await dispatch(session.fleet.machines, session, new AbortController().signal, {
  cycles: Number(cycles),
  interval: 100,
  onCycle: () => {},
})
await close()
console.log(met)
