/** Runs a simulation in a worker thread, so that several simulations run concurrently and Ctrl-C still works. */
import type { Fleet, Issue } from '../core/nouns.ts'
import type { Figures } from './figures.ts'
import type { Plan, BacklogSample } from './simulate.ts'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { BurnError, codeOf } from '../core/errors.ts'
import { figuresOf } from './figures.ts'
import { simulate } from './simulate.ts'
import { syntheticIssues } from './synthetic.ts'

/** The input of a simulation. The fields have only data that can be sent to a thread. */
export interface SimulationInput extends Pick<Plan, 'fleet' | 'habits' | 'seed' | 'start' | 'longest' | 'faults' | 'dispatchers'> {
  readonly issues: readonly Issue[] | SyntheticIssues
  /** The price of one hour of an agent; null without a price. */
  readonly price: number | null
}

/** A request for synthetic issues, spread evenly over the repos of a fleet. */
export interface SyntheticIssues {
  readonly count: number
  readonly fleet: Fleet
}

type ThreadMessage = { readonly sample: BacklogSample } | { readonly figures: Figures }

/**
 * Runs a simulation in a new thread, and returns its figures. If `stop` is aborted, returns the figures up to that time. Throws BurnError
 * `simulate_memory`.
 */
export function simulateInThread(input: SimulationInput, stop: AbortSignal, onSample: (sample: BacklogSample) => void): Promise<Figures> {
  const worker = new Worker(new URL(import.meta.url), { workerData: input })
  const end = () => worker.postMessage('stop')
  stop.addEventListener('abort', end)
  if (stop.aborted) end()
  return new Promise<Figures>((resolve, reject) => {
    let figures: Figures | null = null
    worker.on('message', (message: ThreadMessage) => ('figures' in message ? (figures = message.figures) : onSample(message.sample)))
    worker.on('error', (thrown) => reject(explained(thrown)))
    // The promise settles only when the thread has ended, so that the thread leaves nothing open.
    worker.on('exit', (code) => {
      if (figures === null) reject(new Error(`the simulation thread exited with ${code} before it sent figures`))
      else resolve(figures)
    })
  }).finally(() => stop.removeEventListener('abort', end))
}

function explained(thrown: unknown): unknown {
  if (codeOf(thrown) !== 'ERR_WORKER_OUT_OF_MEMORY') return thrown
  const hint = 'simulate fewer issues or hours, or raise the limit: NODE_OPTIONS=--max-old-space-size=12000 (megabytes)'
  return new BurnError('simulate_memory', "the simulation needs more memory than Node's default limit", hint)
}

/** Runs the simulation in the new thread, and sends its samples and figures to the main thread. */
async function simulateHere(): Promise<void> {
  // `simulateInThread` set it.
  const { issues, price, ...plan } = workerData as SimulationInput
  const stop = new AbortController()
  parentPort?.once('message', () => stop.abort())
  const send = (message: ThreadMessage) => parentPort?.postMessage(message)
  const result = await simulate({
    ...plan,
    issues: 'count' in issues ? syntheticIssues(issues.count, issues.fleet, plan.start) : issues,
    stop: stop.signal,
    onSample: (sample) => send({ sample }),
  })
  send({ figures: figuresOf(result, plan.fleet, price) })
  await result.ledger.close()
  parentPort?.close()
}

if (!isMainThread && parentPort !== null) await simulateHere()
