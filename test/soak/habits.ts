/** The stand-in agents of the soak. Each imitates a kind of agent with a behaviour that was observed in the real program. */
import { standInFile } from '../stand-ins/files.ts'

const hermes = standInFile('hermes')
const others = standInFile('others')

/** A stand-in agent and its options. */
export interface Habit {
  readonly kind: string
  readonly command: readonly string[]
  readonly busy_input_mode?: 'queue' | 'interrupt'
  /** The keys that take the first choice of its menus. */
  readonly first: readonly string[]
}

const asHermes = (busy: 'queue' | 'interrupt', ...flags: readonly string[]): Habit => ({
  kind: 'hermes',
  command: [process.execPath, hermes, '--spin-ms', '500', '--busy-mode', busy, ...flags],
  busy_input_mode: busy,
  first: ['-l', '1'],
})
const as = (kind: string, ...flags: readonly string[]): Habit => ({
  kind,
  command: [process.execPath, others, '--as', kind, ...flags],
  first: kind === 'codex' || kind === 'opencode' ? ['Enter'] : ['-l', '1'],
})

/** The habits; workers get them in turn. */
export const habits: readonly Habit[] = [
  asHermes('queue', '--turn-ms', '150'),
  as('claude', '--turn-ms', '300', '--approve-every', '4'),
  asHermes('queue', '--turn-ms', '900', '--lag-ms', '120'),
  as('codex', '--turn-ms', '300', '--lag-ms', '40'),
  asHermes('interrupt', '--turn-ms', '400'),
  as('gemini', '--turn-ms', '250', '--ask-every', '5'),
  asHermes('queue', '--turn-ms', '200', '--approve-every', '3'),
  as('qwen', '--turn-ms', '300', '--approve-every', '4', '--lag-ms', '80'),
  asHermes('queue', '--turn-ms', '250', '--ask-every', '4', '--echo-ms', '300'),
  as('pi', '--turn-ms', '400'),
  asHermes('queue', '--turn-ms', '300', '--swallow', '1', '--start-ms', '600'),
  as('claude', '--turn-ms', '800', '--ask-every', '5', '--lag-ms', '150'),
  asHermes('queue', '--turn-ms', '200', '--fail', 'boom', '--lag-ms', '60'),
  as('codex', '--turn-ms', '700', '--approve-every', '5', '--start-ms', '400'),
  as('opencode', '--turn-ms', '350', '--approve-every', '4', '--lag-ms', '50'),
  as('opencode', '--turn-ms', '600', '--ask-every', '5'),
  asHermes('interrupt', '--turn-ms', '50', '--echo-ms', '150'),
  as('gemini', '--turn-ms', '600', '--approve-every', '4', '--lag-ms', '60'),
]
