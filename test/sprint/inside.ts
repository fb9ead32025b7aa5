/** Runs sprints in the test's own process, with the wiring of the command line and a clock with short pauses. */
import type { TestContext } from 'node:test'
import type { Clock } from '../../src/core/ports.ts'
import type { Sprint } from '../../src/core/sprint.ts'
import type { SprintRunOptions } from '../../src/sprint/run.ts'
import type { SprintContext, SprintUpdate } from '../../src/sprint/context.ts'
import { wireSprints } from '../../src/cli/wire-sprints.ts'
import { openSession } from '../../src/cli/wire.ts'
import { recordPassedCheck } from '../../src/sprint/preflight.ts'
import { runSprints } from '../../src/sprint/run.ts'
import { clock } from '../support/clock.ts'
import { sandboxFacts } from '../support/sandbox-facts.ts'
import { repo, type SprintRig } from './rig.ts'

/** A clock that sleeps a twentieth of the requested time. */
const fastClock: Clock = { now: () => clock.now(), sleep: (ms, signal) => clock.sleep(ms / 20, signal) }

export interface InProcessSprints {
  readonly context: SprintContext
  readonly updates: readonly SprintUpdate[]
  /** Warnings and other messages for the operator. */
  readonly messages: readonly string[]
  run(options?: Partial<SprintRunOptions>, stop?: AbortSignal): Promise<readonly Sprint[]>
}

/** Opens the session of the rig and wires its sprints. */
export async function inside(t: TestContext, { env, checked }: SprintRig): Promise<InProcessSprints> {
  const updates: SprintUpdate[] = []
  const messages: string[] = []
  const wiring = {
    clock: fastClock,
    env: { ...env, PATH: env['PATH'] ?? process.env['PATH'] },
    home: env['HOME'] ?? '',
    cwd: env['HOME'] ?? '',
  }
  const open = await openSession({}, { ...wiring, notify: ({ text }) => void messages.push(text) })
  t.after(() => open.close())
  const context = { ...(await wireSprints(open, wiring, (each) => void updates.push(each))), facts: sandboxFacts }
  if (checked) await recordPassedCheck(repo, clock.now(), context)
  return {
    context,
    updates,
    messages,
    run: async (options = {}, stop = new AbortController().signal) =>
      (await runSprints({ repos: [repo], issue: null, count: 1, jobs: 1, now: false, ...options }, context, stop)).rows,
  }
}
