/** A dispatcher that kills its own process at a boundary. */
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { dispatch } from '../../src/cycle/loop.ts'
import { killAt } from './boundaries.ts'

interface DispatcherOptions {
  readonly spec: string
  readonly home: string
  /** The number of the boundary; 0 never comes. */
  readonly boundary: number
  /** The time by which its clock is fast (ms). */
  readonly ahead: number
  readonly cycles: number
}

/** Runs the dispatcher and returns the number of boundaries that it reached. */
export async function runDispatcher({ spec, home, boundary, ahead, cycles }: DispatcherOptions): Promise<number> {
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  const { session, close } = await openSession(
    { spec },
    { clock, env: {}, home, cwd: home, notify: ({ subject, text }) => console.error(`${subject}: ${text}`) },
  )
  try {
    const met = await killAt(boundary, session)
    await dispatch(session.fleet.machines, session, new AbortController().signal, { cycles, interval: 100, onCycle: () => {} })
    return met()
  } finally {
    await close()
  }
}
