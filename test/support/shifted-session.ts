/** A session with real adapters and the machine's clock, which a test can move forward. */
import type { TestContext } from 'node:test'
import type { Session } from '../../src/observe/session.ts'
import type { Fleet } from './fleet.ts'
import { join } from 'node:path'
import { openSession } from '../../src/cli/wire.ts'
import { clock as machine } from './clock.ts'

/** An open session. The end of the test closes it. */
export interface ShiftedSession {
  readonly session: Session
  /** Moves the clock of the session forward by `ms` milliseconds. */
  readonly advance: (ms: number) => void
}

/** Opens a session with the spec and the home of a fleet. */
export async function shiftedSession(t: Pick<TestContext, 'after'>, { dir }: Pick<Fleet, 'dir'>): Promise<ShiftedSession> {
  let ahead = 0
  const clock = { ...machine, now: () => machine.now() + ahead }
  const opened = await openSession(
    { spec: join(dir, 'fleet-spec.json') },
    { clock, env: { PATH: process.env['PATH'] }, home: join(dir, 'home'), cwd: dir, notify: () => {} },
  )
  t.after(opened.close)
  return { session: opened.session, advance: (ms) => void (ahead += ms) }
}
