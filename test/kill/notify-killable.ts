/**
 * Sends the notifications of a fleet once, and kills itself with SIGKILL at its nth boundary: before (odd) or after (even) a write to the
 * ledger or a message to a channel. Usage: `notify-killable.ts SPEC HOME BOUNDARY`. Boundary 0 never comes. It prints the number of
 * boundaries that it reached.
 */
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { sendNotifications } from '../../src/cycle/notifications.ts'
import { addBoundaries } from './boundaries.ts'

const [spec = '', home = '', boundary = '0'] = process.argv.slice(2)
const { session, close } = await openSession({ spec }, { clock: systemClock, env: {}, home, cwd: home, notify: () => {} })
let met = 0
const reach = () => {
  if (++met === Number(boundary)) process.kill(process.pid, 'SIGKILL')
}
addBoundaries(reach, session.ledger, ['savePlan', 'composeMessage', 'saveAttempt', 'dropOtherChannels'])
const channel: typeof session.channel = async (name) => {
  const opened = { ...(await session.channel(name)) }
  addBoundaries(reach, opened, ['send'])
  return opened
}
await sendNotifications({ ...session, channel }, true)
await close()
console.log(met)
