/** A simulated night in a thread of its own: several run side by side, and the command goes on hearing its person. */
import type { Fleet, Issue } from '../core/nouns.ts'
import type { Figures } from './figures.ts'
import type { Plan, BacklogSample } from './simulate.ts'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { BurnError, codeOf } from '../core/errors.ts'
import { figuresOf } from './figures.ts'
import { simulate } from './simulate.ts'
import { syntheticIssues } from './synthetic.ts'

/** What is simulated, as data. */
export interface SimulationInput extends Pick<Plan, 'fleet' | 'habits' | 'seed' | 'start' | 'longest' | 'faults' | 'dispatchers'> {
  readonly issues: readonly Issue[] | SyntheticIssues
  /** Of an hour of one agent's turns; null where nobody asks what it costs. */
  readonly price: number | null
}

/** So many issues that nobody has written yet, of the repos that this fleet works on. */
export interface SyntheticIssues {
  readonly count: number
  readonly fleet: Fleet
}

type ThreadMessage = { readonly snapshot: BacklogSample } | { readonly figures: Figures }

/**
 * Carries the order out in a new thread, which runs this file. On `stop` it gives the figures of what was simulated until then. Throws BurnError
 * `simulate_memory`.
 */
export function simulateInThread(
  order: SimulationInput,
  stop: AbortSignal,
  onSnapshot: (snapshot: BacklogSample) => void,
): Promise<Figures> {
  const worker = new Worker(new URL(import.meta.url), { workerData: order })
  const end = () => worker.postMessage('stop')
  stop.addEventListener('abort', end)
  if (stop.aborted) end()
  return new Promise<Figures>((resolve, reject) => {
    let figures: Figures | null = null
    worker.on('message', (told: ThreadMessage) => ('figures' in told ? (figures = told.figures) : onSnapshot(told.snapshot)))
    worker.on('error', (thrown) => reject(explained(thrown)))
    // Its figures are given when the thread has ended, so that nothing of it is left open.
    worker.on('exit', (code) => {
      if (figures === null) reject(new Error(`the thread of the simulation ended with ${code} before it had figures`))
      else resolve(figures)
    })
  }).finally(() => stop.removeEventListener('abort', end))
}

function explained(thrown: unknown): unknown {
  if (codeOf(thrown) !== 'ERR_WORKER_OUT_OF_MEMORY') return thrown
  const hint = 'simulate fewer issues or hours, or give it more: NODE_OPTIONS=--max-old-space-size=12000 (megabytes)'
  return new BurnError('simulate_memory', 'the simulation needs more memory than Node takes by itself', hint)
}

/** What the thread does. */
async function simulateHere(): Promise<void> {
  // `simulateInThread` gave it.
  const { issues, price, ...plan } = workerData as SimulationInput
  const stop = new AbortController()
  parentPort?.once('message', () => stop.abort())
  const tell = (told: ThreadMessage) => parentPort?.postMessage(told)
  const result = await simulate({
    ...plan,
    issues: 'count' in issues ? syntheticIssues(issues.count, issues.fleet, plan.start) : issues,
    stop: stop.signal,
    onSample: (snapshot) => tell({ snapshot }),
  })
  tell({ figures: figuresOf(result, plan.fleet, price) })
  await result.ledger.close()
  parentPort?.close()
}

if (!isMainThread && parentPort !== null) await simulateHere()
