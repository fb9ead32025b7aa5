/** The ports that deliveries use. The session of a command implements all of them. */
import type { Notice } from '../core/events.ts'
import type { PaneAgent } from '../core/agent.ts'
import type { DeliveryLedger } from '../core/ledger/deliveries.ts'
import type { AgentConfig, Fleet } from '../core/nouns.ts'
import type { Machines } from '../core/pane-host.ts'
import type { Clock } from '../core/ports.ts'

export interface DeliveryPorts {
  readonly fleet: Fleet
  readonly ledger: Pick<DeliveryLedger, 'deliveryView' | 'deliveries' | 'moveDeliveries'>
  readonly machines: Machines
  readonly clock: Clock
  /** The name of this process in leases. */
  readonly owner: string
  readonly kindOf: (agent: Pick<AgentConfig, 'kind' | 'custom'>) => PaneAgent
  readonly notify: (notice: Notice) => void
}
