/** `burn send` and `burn council`: send a text or a question from a person to workers. */
import { counted } from '../../core/text.ts'
import type { Reason } from '../../core/reasons.ts'
import { sentence } from '../../decide/wording.ts'
import { command, done, exitFor } from '../command.ts'
import type { Io } from '../io.ts'
import { workersNamed } from '../named.ts'
import { table } from '../table.ts'
import { flag, parsedArg, parsePositiveDuration, text } from '../args.ts'

interface Sent {
  readonly id: string
  readonly worker: string
  readonly state: string
  readonly evidence: Reason
}

function showSent(sent: readonly Sent[], io: Io): void {
  const rows = sent.map(({ worker, state, evidence }) => [worker, state, sentence(evidence)])
  io.out(...table(['WORKER', 'DELIVERY', 'EVIDENCE'], rows, io.columns))
}

const exitOf = (sent: readonly Sent[]) => exitFor(sent.filter(({ state }) => state === 'seen').length, sent.length)

type SendResult = { readonly would_send: readonly string[]; readonly bytes: number } | { readonly sent: readonly Sent[] }

export const sendCommand = command({
  args: {
    to: text('<to>', 'Worker, window, lane or machine, or "all" for the whole fleet'),
    words: text('<text>', 'Text to send; "-" reads the text from standard input'),
    wait: parsedArg(
      '-w, --wait <duration>',
      'Time to wait for a free pane before burn withdraws the text, such as 5m (default: 30s)',
      parsePositiveDuration,
      30_000,
    ),
    dry_run: flag('-n, --dry-run', 'Show which workers would get the text, and send nothing'),
  },
  examples: [
    'burn send AZOTH "Stop after this issue, and list the open work."',
    'git diff | burn send mac/CRUCIBLE -',
    'burn send bugs "The CI is red: look there first." --wait 120',
  ],
  notes: [
    'Exit codes: 0 all workers received the text, 1 no worker received the text, or burn failed, 2 usage or spec error, 3 only some workers received the text.',
  ],
  async run({ open, io, stop }, { to, words, wait, dry_run }) {
    const { session } = await open()
    const { checkText, send } = await import('../../operate/send.ts')
    const workers = workersNamed(session.fleet, to)
    const whole = checkText(words === '-' ? await io.readInput() : words)
    if (dry_run) return done<SendResult>({ would_send: workers.map(({ id }) => id), bytes: Buffer.byteLength(whole) })
    const each = workers.map((worker) => ({ worker, text: whole }))
    const sent = (await send(each, session, stop, { timeout: wait })).map(({ id, worker, state, proof, evidence }) => ({
      id,
      worker,
      state,
      proof,
      evidence,
    }))
    return done<SendResult>({ sent }, exitOf(sent))
  },
  present(shown: SendResult, io) {
    if ('sent' in shown) showSent(shown.sent, io)
    else
      io.out(`Would send ${counted(shown.bytes, 'byte')} to ${counted(shown.would_send.length, 'worker')}: ${shown.would_send.join(', ')}`)
  },
})

type CouncilResult = { readonly would_ask: readonly string[] } | { readonly asked: readonly Sent[] }

export const councilCommand = command({
  args: {
    words: text('<question>', 'Question to ask; "-" reads the question from standard input'),
    dry_run: flag('-n, --dry-run', 'Show which workers would be asked, and ask nobody'),
  },
  examples: ['burn council "Should the-nexus move to a monorepo?"'],
  async run({ open, io, stop }, { words, dry_run }) {
    const { session } = await open()
    const { askCouncil, councilOf } = await import('../../operate/council.ts')
    if (dry_run) return done<CouncilResult>({ would_ask: councilOf(session).map(({ id }) => id) })
    const deliveries = await askCouncil(words === '-' ? await io.readInput() : words, session, stop)
    const asked = deliveries.map(({ id, worker, state, evidence }) => ({ id, worker, state, evidence }))
    return done<CouncilResult>({ asked }, exitOf(asked))
  },
  present(shown: CouncilResult, io) {
    if ('would_ask' in shown) return io.out(`Would ask ${counted(shown.would_ask.length, 'worker')}: ${shown.would_ask.join(', ')}`)
    showSent(shown.asked, io)
    io.out("Read the answers in the workers' panes: burn attach <worker>")
  },
})
