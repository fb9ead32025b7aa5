/**
 * A process of burn with a fast clock: `process.ts dispatch SPEC HOME CLOCK BOUNDARY` or `process.ts sprint SPEC HOME CLOCK`. `CLOCK` is the
 * file of the fast clock. The dispatcher kills itself at its nth boundary; 0 never comes.
 */
import { systemClock } from '../../src/cli/clock.ts'
import { openIo } from '../../src/cli/io.ts'
import { runBurn } from '../../src/cli/run.ts'
import { openSession } from '../../src/cli/wire.ts'
import { dispatch } from '../../src/cycle/loop.ts'
import { killAt } from '../kill/boundaries.ts'
import { FastClock, speed } from './fast-clock.ts'

const [what = '', spec = '', home = '', clockFile = '', boundary = '0'] = process.argv.slice(2)
const fastClock = new FastClock(clockFile)
fastClock.keepUp(what === 'dispatch' ? 'dispatch' : 'sprint')
const clock = { ...systemClock, now: () => fastClock.now() }
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const env = { PATH: process.env['PATH'] ?? '', HOME: home, NO_COLOR: '1', BURN_SPEC: spec }

if (what === 'dispatch') {
  const notify = ({ subject, text }: { readonly subject: string; readonly text: string }) => console.error(`${subject}: ${text}`)
  const { session, close } = await openSession({ spec }, { clock, env, home, cwd: home, notify })
  await killAt(Number(boundary), session)
  await dispatch(session.fleet.machines, session, stop.signal, { cycles: Infinity, interval: 300, onCycle: () => {} })
  await close()
} else {
  const io = openIo({
    out: (text) => void process.stderr.write(text),
    err: (text) => void process.stderr.write(text),
    input: async () => '',
    random: Math.random,
  })
  const self = [process.execPath, new URL('../../src/cli/main.ts', import.meta.url).pathname]
  // A sprint renews its lease after such a pause.
  const fast = { ...clock, sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / speed, signal) }
  const words = ['sprint', 'run', '--json', '--jobs', '2', '--count', '20']
  process.exitCode = await runBurn(words, { io, clock: fast, random: Math.random, env, home, cwd: home, self, stop: stop.signal })
}
