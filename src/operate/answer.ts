/** `burn answer`: reads the question that an agent asks, and types a person's answer. */
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
import { sentence } from '../decide/wording.ts'
import { hostOf, noAgent, paneOf } from '../observe/worker-pane.ts'

/** Maximum time (ms) to wait until the screen shows that the agent accepted the answer. */
const answerTimeout = 10_000
/** Pause (ms) between snapshots. */
const pollPause = 100

/** Returns a short hash of a question. A person can pass this hash with an answer, so that burn answers no other question. */
export function markOf(question: string): string {
  return createHash('sha256').update(question).digest('hex').slice(0, 8)
}

/** The question that a worker's agent asks. */
export interface OpenQuestion {
  readonly worker: string
  readonly detail: string | null
  /** The question and its choices, as the screen shows them. */
  readonly question: string
}

/** The outcome of an answer. */
export interface Answered extends OpenQuestion {
  /**
   * `taken`: the agent continues, or asks another question. `unknown`: the agent still asks the same question, or burn could no longer read
   * the screen.
   */
  readonly outcome: 'taken' | 'unknown'
  /** The state of the agent after the answer; or the error if burn could not read the state. */
  readonly state: string
}

interface WorkerView {
  readonly host: PaneHost
  readonly pane: Pane
  readonly kind: PaneAgent
  readonly screen: ParsedScreen
}

/** Returns the question that a worker's agent asks. Throws BurnError `not_asking`, `machine_unreachable`, `pane_missing` or `no_agent`. */
export async function readQuestion(worker: Worker, session: Session): Promise<OpenQuestion> {
  return openQuestionOf(worker, await readWorker(worker, session))
}

function openQuestionOf(worker: Worker, { screen }: WorkerView): OpenQuestion {
  const { state, detail, evidence } = screen.reading
  if (state !== 'waiting')
    throw new BurnError(
      'not_asking',
      `the agent of ${worker.id} asks no question: it is ${state} (${evidence})`,
      'to see which workers wait for an answer: burn status',
    )
  return { worker: worker.id, detail, question: screen.question ?? evidence }
}

/**
 * Types an answer to the open question, and waits until the agent accepts the answer. `expected` is the hash (see `markOf`) of the question
 * that the person saw; if it is given, burn answers no other question. Throws BurnError `no_such_choice` (exit 2), `question_changed`,
 * `pane_in_use`, `never_asks`, `not_typed`, and the errors of `readQuestion`.
 */
export async function answer(worker: Worker, choice: string, session: Session, expected: string | null = null): Promise<Answered> {
  const seen = await readWorker(worker, session)
  const open = openQuestionOf(worker, seen)
  if (expected !== null && expected !== markOf(open.question))
    throw new BurnError(
      'question_changed',
      `the agent of ${worker.id} now asks another question`,
      `read the question: burn answer ${worker.id}`,
    )
  if (seen.pane.in_mode)
    throw new BurnError('pane_in_use', `the pane of ${worker.id} is in copy mode`, 'leave copy mode in the pane (q), then answer again')
  const closed = closedInputs[seen.pane.input]
  if (closed !== null)
    throw new BurnError(
      'pane_in_use',
      `nothing was typed to ${worker.id}: ${sentence(closed)}`,
      'enable the input of the pane, then answer again',
    )
  if (seen.kind.answer === undefined)
    throw new BurnError(
      'never_asks',
      `burn cannot answer questions of ${seen.kind.kind} agents`,
      `answer the question in the pane: burn attach ${worker.id}`,
    )
  const keys = seen.kind.answer(sanitize(choice), seen.screen)
  if (keys === null)
    throw new BurnError(
      'no_such_choice',
      `the question of ${worker.id} has no choice ${JSON.stringify(choice)}`,
      `the question is:\n${open.question}`,
      {
        exit: 2,
      },
    )
  const target = { pane: seen.pane.id, agent_pid: seen.pane.agent_pid ?? 0 }
  const [typed = { outcome: 'failed', why: 'no reply' }] = await seen.host.type([{ target, id: `answer-${session.newId()}`, place: keys }])
  if (typed.outcome !== 'done')
    throw new BurnError('not_typed', `nothing was typed to ${worker.id}: ${typed.why}`, `look at the pane: burn attach ${worker.id}`)
  return waitUntilTaken(worker, open, session)
}

/** Reads the screen until the agent has accepted the answer, for at most `answerTimeout`. Returns the outcome. */
async function waitUntilTaken(worker: Worker, open: OpenQuestion, session: Session): Promise<Answered> {
  const { clock } = session
  let state = 'waiting'
  for (const end = clock.now() + answerTimeout; clock.now() < end; await clock.sleep(pollPause)) {
    try {
      const { screen } = await readWorker(worker, session)
      state = screen.reading.state
      // A screen that burn does not recognise is no proof that the agent continues.
      const continues = state === 'idle' || state === 'working' || state === 'error' || state === 'starting'
      const asksAnother = state === 'waiting' && (screen.question ?? screen.reading.evidence) !== open.question
      if (continues || asksAnother) return { ...open, outcome: 'taken', state }
    } catch (thrown) {
      if (!(thrown instanceof BurnError)) throw thrown
      state = thrown.message
    }
  }
  return { ...open, outcome: 'unknown', state }
}

/** Reads the current screen of a worker's live agent. Throws BurnError `machine_unreachable`, `pane_missing` or `no_agent`. */
async function readWorker(worker: Worker, session: Session): Promise<WorkerView> {
  const host = await hostOf(worker, session)
  const { snapshot, screens } = await host.snapshotWithScreens()
  const pane = paneOf(worker, snapshot)
  if (pane.dead || pane.agent_pid !== pane.pid) throw noAgent(worker)
  const kind = paneAgent(worker.agent)
  return { host, pane, kind, screen: kind.parseScreen(screens.get(pane.id) ?? [], pane) }
}
