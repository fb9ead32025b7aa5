/** `burn send` and `burn council`: a person's text to workers. */
import type { Reason } from '../../core/reasons.ts'
import { sentence } from '../../decide/wording.ts'
import { command, done, exitFor } from '../command.ts'
import type { Io } from '../io.ts'
import { workersNamed } from '../named.ts'
import { table } from '../table.ts'
import { flag, positive, parsedArg, text } from '../args.ts'

interface Told {
  readonly id: string
  readonly worker: string
  readonly state: string
  readonly evidence: Reason
}

function showTold(told: readonly Told[], io: Io): void {
  const rows = told.map(({ worker, state, evidence }) => [worker, state, sentence(evidence)])
  io.out(...table(['WORKER', 'DELIVERY', 'EVIDENCE'], rows))
}

const exitOf = (told: readonly Told[]) => exitFor(told.filter(({ state }) => state === 'seen').length, told.length)

type Sent = { readonly would_send: readonly string[]; readonly bytes: number } | { readonly sent: readonly Told[] }

export const sendCommand = command({
  args: {
    to: text('<to>', 'a worker, window, lane or machine, or all'),
    words: text('<text>', 'the text, or - to read it from standard input'),
    wait: parsedArg('-w, --wait <seconds>', 'how long it waits for a pane that is in use; then it is withdrawn', positive, 30),
    dry_run: flag('-n, --dry-run', 'say who would get it, and send nothing'),
  },
  examples: [
    'burn send AZOTH "Stop after this issue, and say what is left."',
    'git diff | burn send mac/CRUCIBLE -',
    'burn send bugs "The CI is red: look there first." --wait 120',
  ],
  async run({ open, io, stop }, { to, words, wait, dry_run }) {
    const { session } = await open()
    const { checked, send } = await import('../../operate/send.ts')
    const workers = workersNamed(session.fleet, to)
    const whole = checked(words === '-' ? await io.readInput() : words)
    if (dry_run) return done<Sent>({ would_send: workers.map(({ id }) => id), bytes: Buffer.byteLength(whole) })
    const each = workers.map((worker) => ({ worker, text: whole }))
    const sent = (await send(each, session, stop, { timeout: wait * 1000 })).map(({ id, worker, state, proof, evidence }) => ({
      id,
      worker,
      state,
      proof,
      evidence,
    }))
    return done<Sent>({ sent }, exitOf(sent))
  },
  present(shown: Sent, io) {
    if ('sent' in shown) showTold(shown.sent, io)
    else io.out(`Would send ${shown.bytes} bytes to ${shown.would_send.length}: ${shown.would_send.join(', ')}`)
  },
})

type Asked = { readonly would_ask: readonly string[] } | { readonly asked: readonly Told[] }

export const councilCommand = command({
  args: {
    words: text('<question>', 'the question, or - to read it from standard input'),
    dry_run: flag('-n, --dry-run', 'say who would be asked, and ask nobody'),
  },
  examples: ['burn council "Should the-nexus move to a monorepo?"'],
  async run({ open, io, stop }, { words, dry_run }) {
    const { session } = await open()
    const { askCouncil, councilOf } = await import('../../operate/council.ts')
    if (dry_run) return done<Asked>({ would_ask: councilOf(session).map(({ id }) => id) })
    const deliveries = await askCouncil(words === '-' ? await io.readInput() : words, session, stop)
    const asked = deliveries.map(({ id, worker, state, evidence }) => ({ id, worker, state, evidence }))
    return done<Asked>({ asked }, exitOf(asked))
  },
  present(shown: Asked, io) {
    if ('would_ask' in shown) return io.out(`Would ask ${shown.would_ask.length}: ${shown.would_ask.join(', ')}`)
    showTold(shown.asked, io)
    io.out('Their answers are in their panes: burn attach <worker>')
  },
})
