/**
 * Decides about agents that continue the conversation of an agent that ended. The proof is that both agents' hooks reported the same
 * conversation. Then the new agent inherits the dispatches. Pure.
 */
import type { InheritAction } from '../core/actions.ts'
import type { AgentRecord } from '../core/agent-record.ts'
import type { DispatchMove, LiveDispatch } from '../core/ledger/claims.ts'
import type { UnderWayState } from '../core/fleet-state.ts'
import type { AgentName } from '../core/agent-kinds.ts'
import type { Reason } from '../core/reasons.ts'
import { agentKey } from '../core/incarnation.ts'
import { machineOf } from '../core/refs.ts'

/** The time (ms) in which another agent can continue the conversation of an agent that ended, before burn counts its dispatches as lost. */
export const continuationTime = 10 * 60_000

/** The facts from which burn decides about continued conversations. */
export type ContinuationFacts = Pick<UnderWayState, 'dispatches' | 'agents' | 'holders' | 'incarnations' | 'ended' | 'now'>

/** Returns, for each agent that ended and whose conversation another agent provably continues, the action that passes its dispatches. */
export function continuations(seen: ContinuationFacts): InheritAction[] {
  const found = new Map<string, InheritAction>()
  for (const { worker, incarnation } of seen.dispatches) {
    const heir = seen.agents.get(worker)
    const holder = holderOf({ worker, incarnation }, seen)
    if (holder === undefined || heir === undefined || incarnation === null || heir.id === holder.id) continue
    if (!isAlive(heir, seen) || heir.incarnation === null || heir.conversation === null) continue
    if (heir.conversation !== holder.conversation || !seen.ended.has(agentKey(machineOf(worker), incarnation))) continue
    const action = {
      do: 'inherit',
      worker,
      from: incarnation,
      heir: heir.id,
      to: heir.incarnation,
      conversation: heir.conversation,
    } as const
    found.set(`${worker} ${incarnation}`, action)
  }
  return [...found.values()]
}

/**
 * Returns true if burn must not count the dispatch of an ended agent as lost yet: another agent may still continue the conversation. An
 * agent that burn told to continue it keeps the dispatch alive until it ends or reports another conversation. So no other worker gets the
 * issue while that agent may work on it.
 */
export function mayContinue(dispatch: Pick<LiveDispatch, 'worker' | 'incarnation'>, seen: ContinuationFacts): boolean {
  const holder = holderOf(dispatch, seen)
  if (holder === undefined || holder.conversation === null) return false
  const heir = seen.agents.get(dispatch.worker)
  const ended_at = holder.ended_at ?? seen.now
  if (heir === undefined || heir.id === holder.id) return holder.successor !== 'fresh' && seen.now < ended_at + continuationTime
  if ((heir.conversation ?? heir.continues) !== holder.conversation) return false
  return isAlive(heir, seen) || (heir.successor !== 'fresh' && seen.now < Math.max(ended_at, heir.started_at) + continuationTime)
}

/** Returns the guard of the transition with which burn counts a dispatch as lost. */
export function holderGuard(
  { worker, incarnation }: Pick<LiveDispatch, 'worker' | 'incarnation'>,
  { agents }: Pick<ContinuationFacts, 'agents'>,
): Pick<DispatchMove, 'holder'> {
  return incarnation === null ? {} : { holder: { incarnation, last_agent: agents.get(worker)?.id ?? null } }
}

/** Returns true if the agent with this dispatch got it from an earlier agent, whose conversation it continues. */
export function hasInherited({ worker, incarnation, handed_at }: LiveDispatch, { agents }: Pick<ContinuationFacts, 'agents'>): boolean {
  const agent = agents.get(worker)
  return agent !== undefined && agent.incarnation === incarnation && handed_at !== null && handed_at < agent.started_at
}

function holderOf(
  { worker, incarnation }: Pick<LiveDispatch, 'worker' | 'incarnation'>,
  { holders }: Pick<ContinuationFacts, 'holders'>,
): AgentRecord | undefined {
  return incarnation === null ? undefined : holders.get(agentKey(machineOf(worker), incarnation))
}

function isAlive({ worker, incarnation }: AgentRecord, { incarnations }: Pick<ContinuationFacts, 'incarnations'>): boolean {
  return incarnation !== null && incarnations.get(worker) === incarnation
}

/** Whether the next agent of a worker continues a conversation, and the reason. */
export interface NextConversation {
  readonly continues: string | null
  readonly reason: Reason
}

/** The facts about the agent to start. */
export interface NextStart {
  readonly kind: AgentName
  /** The reason why the agent could not prove that it continues a conversation; null if it can. */
  readonly unprovable: Reason | null
  /** True if a person asked for a new conversation. */
  readonly fresh: boolean
  /** True if the last agent has provably ended. */
  readonly ended: boolean
}

/** Returns the conversation with which the next agent of a worker starts. `last`: the record of the worker's last agent. */
export function nextConversation(last: AgentRecord | undefined, { kind, unprovable, fresh, ended }: NextStart): NextConversation {
  const none = (reason: Reason): NextConversation => ({ continues: null, reason })
  // If burn or the agent ended right after the start, the agent reported nothing, and the next one continues the same conversation.
  const conversation = last?.conversation ?? last?.continues ?? null
  if (last === undefined || conversation === null) return none({ code: 'no_conversation' })
  if (fresh || last.successor === 'fresh') return none({ code: 'fresh_asked' })
  if (last.started_with.kind !== kind) return none({ code: 'kind_changed', kind: last.started_with.kind })
  if (unprovable !== null) return none(unprovable)
  return ended ? { continues: conversation, reason: { code: 'agent_restarted' } } : none({ code: 'agent_may_run' })
}
