/** `burn worker interrupt`: presses the agent's own interrupt key, and proves by the screen that the turn has ended. */
import type { Reading, Worker } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { paneAgent } from '../agents/index.ts'
import { BurnError } from '../core/errors.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { closedInputs } from '../decide/observation.ts'
import { sentence } from '../decide/wording.ts'
import { readWorkers, type MachineScreens } from '../observe/readings.ts'
import { hostOf, noAgent, paneOf } from '../observe/worker-pane.ts'

/** Pause (ms) between two reads of the screen. */
const pollPause = 200
/** Time (ms) after which burn presses the key again, for an agent that wants it twice. */
const pressPause = 1_000
/** Maximum time (ms) to wait for the end of the turn. */
const endTimeout = 10_000

/** The outcome of an interrupt. */
export interface Interrupted {
  readonly worker: string
  /** `stopped`: the turn has ended. `working`: a turn runs, for example that of a prompt that waited in the queue; or burn cannot read it. */
  readonly outcome: 'stopped' | 'working'
  /** The state of the agent afterwards, with the evidence. */
  readonly reading: Reading
  /** The number of times that burn pressed the key. */
  readonly presses: number
}

/**
 * Interrupts the running turn of a worker's agent. Throws BurnError `not_working` (exit 3) if no turn runs, `no_interrupt` (exit 3) if burn
 * knows no key for the agent kind, `pane_in_use` (exit 3), `not_typed`, `machine_unreachable`, `pane_missing` or `no_agent`.
 */
export async function interrupt(worker: Worker, session: Session, stop: AbortSignal): Promise<Interrupted> {
  const key = paneAgent(worker.agent).interrupt
  if (key === undefined)
    throw new BurnError(
      'no_interrupt',
      `burn knows no key that interrupts ${worker.agent.kind} agents`,
      `press the key in the pane: burn attach ${worker.id}`,
      { exit: 3 },
    )
  const { clock } = session
  let { reading } = await press(worker, key.keys, session)
  let presses = 1
  for (const began = clock.now(); !stop.aborted && !hasElapsed(began, endTimeout, clock.now()); await clock.sleep(pollPause, stop)) {
    reading = (await look(worker, session)).reading
    if (reading.state !== 'working' && reading.state !== 'unknown') return { worker: worker.id, outcome: 'stopped', reading, presses }
    if (presses >= key.presses || !hasElapsed(began, pressPause, clock.now())) continue
    // The turn may have ended since the last look. Then burn must press nothing.
    if ((await press(worker, key.keys, session).catch(endedMeanwhile)) !== null) presses += 1
  }
  return { worker: worker.id, outcome: 'working', reading, presses }
}

function endedMeanwhile(thrown: unknown): null {
  if (thrown instanceof BurnError && thrown.code === 'not_working') return null
  throw thrown
}

/** Presses the key if a turn runs. Returns what burn saw right before. */
async function press(worker: Worker, keys: string, session: Session): Promise<Seen> {
  const seen = await look(worker, session)
  const { reading, pane, host } = seen
  const refuse = (why: string, hint: string) =>
    new BurnError('pane_in_use', `burn did not interrupt ${worker.id}: ${why}`, hint, { exit: 3 })
  if (reading.state !== 'working')
    throw new BurnError(
      'not_working',
      `${worker.id} is not working: it is ${reading.state} (${reading.evidence})`,
      'to see which workers are at work: burn status',
      { exit: 3 },
    )
  if (pane.in_mode) throw refuse('a person is scrolling in its pane', 'leave copy mode in the pane (q), then run the command again')
  const closed = closedInputs[pane.input]
  if (closed !== null) throw refuse(sentence(closed), 'enable the input of the pane, then run the command again')
  if (seen.composer === 'draft')
    throw refuse('a draft is in its composer, and the key would delete it', `look at the pane: burn attach ${worker.id}`)
  const target = { pane: pane.id, agent_pid: pane.agent_pid ?? 0 }
  const [typed = { outcome: 'failed', why: 'no reply' }] = await host.type([{ target, id: `interrupt-${session.newId()}`, submit: keys }])
  if (typed.outcome !== 'done')
    throw new BurnError('not_typed', `nothing was typed to ${worker.id}: ${typed.why}`, `look at the pane: burn attach ${worker.id}`)
  return seen
}

type Seen = Awaited<ReturnType<typeof look>>

/** Reads the state of a worker's live agent. */
async function look(worker: Worker, session: Session) {
  const host = await hostOf(worker, session)
  const seen: MachineScreens = await host.snapshotWithScreens()
  const pane = paneOf(worker, seen.snapshot)
  if (pane.dead || pane.agent_pid !== pane.pid) throw noAgent(worker)
  const snapshot = readWorkers([host.machine], new Map([[host.machine.name, seen]]), session.kindOf).find(
    (each) => each.worker.id === worker.id,
  )
  if (snapshot === undefined) throw noAgent(worker)
  return { host, pane, reading: snapshot.reading, composer: snapshot.parsed?.composer }
}
