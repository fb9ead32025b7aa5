/** The question that an agent has open, and a person's answer to it. */
import type { PaneAgent, ParsedScreen } from '../core/agent.ts'
import type { Worker } from '../core/nouns.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { Pane } from '../core/panes.ts'
import type { Session } from '../observe/session.ts'
import { createHash } from 'node:crypto'
import { paneAgent } from '../agents/index.ts'
import { BurnError } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import { closedInputs } from '../decide/observation.ts'
import { hostOf, paneOf } from '../observe/worker-pane.ts'

/** How long the agent may take to show that it has the answer, and the pause between looks, milliseconds. */
const answerTimeout = 10_000
const pause = 100

/** Names a question, so that an answer can say which one it is for. */
export function markOf(question: string): string {
  return createHash('sha256').update(question).digest('hex').slice(0, 8)
}

export interface OpenQuestion {
  readonly worker: string
  readonly detail: string | null
  /** As its screen shows it, choices included. */
  readonly question: string
}

export interface Answered extends OpenQuestion {
  /** `taken`: the agent went on, or asks something else. `unknown`: the question still stands, or the agent could not be looked at any more. */
  readonly outcome: 'taken' | 'unknown'
  /** What the agent does now. */
  readonly state: string
}

interface Seen {
  readonly host: PaneHost
  readonly pane: Pane
  readonly kind: PaneAgent
  readonly look: ParsedScreen
}

/** What a worker asks. Throws BurnError `not_asking` where nothing is open, and what `seeWorker` throws. */
export async function askedBy(worker: Worker, session: Session): Promise<OpenQuestion> {
  return asked(worker, await seeWorker(worker, session))
}

function asked(worker: Worker, { look }: Seen): OpenQuestion {
  const { state, detail, evidence } = look.reading
  if (state !== 'waiting')
    throw new BurnError('not_asking', `${worker.id} asks nothing: it is ${state} (${evidence})`, 'burn status shows who is waiting')
  return { worker: worker.id, detail, question: look.question ?? evidence }
}

/**
 * Answers what is open now. `expected`: the mark of the question that the person saw, where they gave it: another one is not answered. Throws BurnError
 * `no_such_choice` (exit 2), `question_changed`, `pane_in_use`, `not_typed`, and what `askedBy` throws.
 */
export async function answer(worker: Worker, choice: string, session: Session, expected: string | null = null): Promise<Answered> {
  const seen = await seeWorker(worker, session)
  const open = asked(worker, seen)
  if (expected !== null && expected !== markOf(open.question))
    throw new BurnError('question_changed', `${worker.id} asks something else by now`, `burn answer ${worker.id} shows what it asks`)
  if (seen.pane.in_mode)
    throw new BurnError('pane_in_use', `somebody scrolls in the pane of ${worker.id}`, 'leave copy mode there (q), then answer again')
  const closed = closedInputs[seen.pane.input]
  if (closed !== null)
    throw new BurnError('pane_in_use', `nothing was typed to ${worker.id}: ${closed}`, 'open its input, then answer again')
  if (seen.kind.answer === undefined)
    throw new BurnError(
      'never_asks',
      `how an agent of kind ${seen.kind.kind} is answered is not known`,
      `answer it in its pane: burn attach ${worker.id}`,
    )
  const pieces = seen.kind.answer(sanitize(choice), seen.look)
  if (pieces === null)
    throw new BurnError('no_such_choice', `${JSON.stringify(choice)} is none of what ${worker.id} offers`, `it asks:\n${open.question}`, {
      exit: 2,
    })
  const target = { pane: seen.pane.id, agent_pid: seen.pane.agent_pid ?? 0 }
  const [typed = { outcome: 'failed', why: 'no reply' }] = await seen.host.type([
    { target, id: `answer-${session.newId()}`, place: pieces },
  ])
  if (typed.outcome !== 'done')
    throw new BurnError('not_typed', `nothing was typed to ${worker.id}: ${typed.why}`, 'look at its pane: burn attach')
  return waitUntilTaken(worker, open, session)
}

/** Looks until the question is gone. */
async function waitUntilTaken(worker: Worker, open: OpenQuestion, session: Session): Promise<Answered> {
  const { clock } = session
  let state = 'waiting'
  for (const end = clock.now() + answerTimeout; clock.now() < end; await clock.sleep(pause)) {
    try {
      const { look } = await seeWorker(worker, session)
      state = look.reading.state
      // Only an agent that is seen to go on, or to start, has taken it; one that shows nothing known may have, or not.
      const goesOn = state === 'idle' || state === 'working' || state === 'error' || state === 'starting'
      const asksElse = state === 'waiting' && (look.question ?? look.reading.evidence) !== open.question
      if (goesOn || asksElse) return { ...open, outcome: 'taken', state }
    } catch (thrown) {
      if (!(thrown instanceof BurnError)) throw thrown
      state = thrown.message
    }
  }
  return { ...open, outcome: 'unknown', state }
}

/** A live agent's screen, as it is now. Throws BurnError `machine_unreachable`, `pane_missing` or `no_agent`. */
async function seeWorker(worker: Worker, session: Session): Promise<Seen> {
  const host = await hostOf(worker, session)
  const { snapshot: sight, screens } = await host.snapshotWithScreens()
  const pane = paneOf(worker, sight)
  if (pane.dead || pane.agent_pid !== pane.pid)
    throw new BurnError('no_agent', `no agent lives in the pane of ${worker.id}`, `wake one: burn christen ${worker.id}`)
  const kind = paneAgent(worker.agent)
  return { host, pane, kind, look: kind.parseScreen(screens.get(pane.id) ?? [], pane) }
}
