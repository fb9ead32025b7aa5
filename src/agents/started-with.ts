/** Computes the settings with which burn starts an agent, for the ledger's record of the agent. */
import type { StartedWith } from '../core/agent-record.ts'
import type { AgentConfig } from '../core/nouns.ts'
import { createHash } from 'node:crypto'
import { paneAgent } from './index.ts'

/** Returns the settings with which burn starts an agent now. `identity`: the identity prompt of the worker. */
export function startedWith(config: AgentConfig, identity: string): StartedWith {
  const { kind, command, model, provider, env } = config
  const variables = Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    kind,
    command: command.length > 0 ? command : paneAgent(config).command,
    model,
    provider,
    environment: sha256(JSON.stringify(variables)),
    identity: sha256(identity),
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
