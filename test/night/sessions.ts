/** Sessions of simulated processes, and the kinds of simulated agents. */
import type { PaneAgentOf } from '../../src/agents/index.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Fleet } from '../../src/core/nouns.ts'
import type { Session } from '../../src/observe/session.ts'
import type { VirtualClock } from '../../src/simulate/clock.ts'
import type { World } from '../../src/simulate/world.ts'
import { paneAgent, paneAgentCache } from '../../src/agents/index.ts'
import { newId } from '../../src/core/ids.ts'
import { seeded } from '../../src/core/random.ts'
import { simulatedScreen } from '../../src/simulate/agent.ts'
import { withoutOutside } from '../../src/simulate/dispatcher.ts'
import { machinesOver } from '../../src/simulate/machines.ts'

interface SessionParts {
  readonly fleet: Fleet
  readonly ledger: Ledger
  readonly world: World
  readonly clock: VirtualClock
  readonly seed: number
}

/** Returns the session of a process. */
export function sessionOf(owner: string, { fleet, ledger, world, clock, seed }: SessionParts, notify: Session['notify']): Session {
  const random = seeded(seed + 1)
  let last = 0
  return {
    fleet,
    ledger,
    forge: world.forge,
    machines: machinesOver(world.machines, { before: () => clock.sleep(20), after: async () => {} }),
    clock,
    owner,
    newId: () => newId((last = Math.max(clock.now(), last + 1)), random),
    kindOf: simulatedKinds(),
    ...withoutOutside,
    notify,
  }
}

/** Returns the kinds of agents with their real readers of records, and simulated screens. */
export function simulatedKinds(): PaneAgentOf {
  const screen = paneAgentCache()({ kind: 'custom', custom: simulatedScreen })
  return (config) => {
    const { kind, usage, conversations, model_command } = paneAgent(config)
    const own = { usage, conversations, model_command }
    return {
      ...screen,
      kind,
      ...(Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)) as Partial<typeof screen>),
    }
  }
}
