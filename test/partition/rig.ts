/** A fleet whose dispatcher runs in the process of the test, cycle by cycle, so that a test can inject a fault at any moment. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Clock } from '../../src/core/ports.ts'
import type { Dispatch } from '../../src/core/lifecycle.ts'
import type { CycleResult } from '../../src/cycle/cycle.ts'
import type { Session } from '../../src/observe/session.ts'
import type { StatusReport } from '../../src/decide/report.ts'
import type { Sshd } from '../support/sshd.ts'
import { openSession } from '../../src/cli/wire.ts'
import { christen } from '../../src/operate/christen.ts'
import { cycle } from '../../src/cycle/cycle.ts'
import { bringUp } from '../../src/operate/up-down.ts'
import { status } from '../../src/observe/state.ts'
import { clock } from '../support/clock.ts'
import { testFleet, type Fleet } from '../support/fleet.ts'
import { endServer } from '../support/tmux.ts'

/** A fleet with its dispatcher in this process. */
export interface Rig {
  readonly fleet: Fleet
  readonly session: Session
  /** Lines of the log, oldest first. */
  readonly notices: readonly string[]
  /** Creates missing panes, and starts missing agents. */
  start(): Promise<void>
  cycle(): Promise<CycleResult>
  status(): Promise<StatusReport>
  /** Returns how often agents received the prompt of an issue. */
  received(issue: string): number
  dispatches(issue: string): Promise<readonly Dispatch[]>
}

/** Opens a fleet. `spec` gets its folder and socket, and returns the keys to add to the spec. `time`: the clock of the dispatcher. */
export async function openRig(t: TestContext, spec: (dir: string, socket: string) => object, time: Clock = clock): Promise<Rig> {
  const fleet = testFleet(t, (dir, socket) => {
    t.after(() => endServer(`${socket}-far`))
    mkdirSync(join(dir, 'issues'), { recursive: true })
    return { name: 't', session: 'T', socket, dir: join(dir, 'w'), ledger: `sqlite:${dir}/l.db`, ...spec(dir, socket) }
  })
  const notices: string[] = []
  const notify = ({ subject, text }: { subject: string; text: string }) => void notices.push(`${subject}: ${text}`)
  const home = join(fleet.dir, 'home')
  const open = await openSession({ spec: join(fleet.dir, 'fleet-spec.json') }, { clock: time, env: {}, home, cwd: fleet.dir, notify })
  t.after(() => open.close())
  const { session } = open
  const { machines } = session.fleet
  const never = new AbortController().signal
  return {
    fleet,
    session,
    notices,
    start: async () => {
      for (const { error } of await bringUp(machines, session, { dryRun: false, prune: false })) if (error !== null) throw new Error(error)
      const workers = machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
      const options = { parallel: 8, dryRun: false, hooks: false, fresh: false, onWithoutHooks: () => {}, onOutcome: () => {} }
      for (const { worker, outcome, why } of await christen(workers, session, never, options))
        if (outcome === 'failed') throw new Error(`${worker}: ${why}`)
    },
    cycle: () => cycle(machines, session, never),
    status: () => status(machines, session),
    received: (issue) => fleet.received().filter(({ text }) => text.includes(`You have one issue to work on: ${issue} `)).length,
    dispatches: (issue) => session.ledger.dispatches({ issue }),
  }
}

/** Returns the far machine of a spec. Its ssh options detect a dead connection within seconds. */
export function farMachine(sshd: Sshd, socket: string, windows: readonly object[]): object {
  const options = { ...sshd.options, ServerAliveInterval: '1', ServerAliveCountMax: '2', ConnectTimeout: '3' }
  return { host: sshd.host, ssh: { port: sshd.port, options }, socket: `${socket}-far`, windows }
}
