/** Sprints in the test's own process: what the command line wires, with a clock whose pauses are short. */
import type { TestContext } from 'node:test'
import type { Clock } from '../../src/core/ports.ts'
import type { Sprint } from '../../src/core/sprint.ts'
import type { SprintRunOptions } from '../../src/sprint/run.ts'
import type { SprintContext, SprintNews } from '../../src/sprint/context.ts'
import { wireSprints } from '../../src/cli/wire-sprints.ts'
import { openSession } from '../../src/cli/wire.ts'
import { runSprints } from '../../src/sprint/run.ts'
import { clock } from '../support/clock.ts'
import { repo, type SprintRig } from './rig.ts'

/** Pauses are a twentieth of what they say. */
const hasty: Clock = { now: () => clock.now(), sleep: (ms, signal) => clock.sleep(ms / 20, signal) }

export interface Inside {
  readonly context: SprintContext
  readonly news: readonly SprintNews[]
  /** Warnings and notes to the person. */
  readonly said: readonly string[]
  run(options?: Partial<SprintRunOptions>, stop?: AbortSignal): Promise<readonly Sprint[]>
}

export async function inside(t: TestContext, { env }: SprintRig): Promise<Inside> {
  const news: SprintNews[] = []
  const said: string[] = []
  const surroundings = {
    clock: hasty,
    env: { ...env, PATH: env['PATH'] ?? process.env['PATH'] },
    home: env['HOME'] ?? '',
    cwd: env['HOME'] ?? '',
  }
  const open = await openSession({}, { ...surroundings, notify: ({ text }) => void said.push(text) })
  t.after(() => open.close())
  const context = await wireSprints(open, surroundings, (each) => void news.push(each))
  return {
    context,
    news,
    said,
    run: async (options = {}, stop = new AbortController().signal) =>
      (await runSprints({ repos: [repo], issue: null, count: 1, jobs: 1, now: false, ...options }, context, stop)).rows,
  }
}
