/** Finds the issue that an agent works on. */
import type { Dispatch } from '../core/lifecycle.ts'
import type { IssueRef } from '../core/nouns.ts'

type Prompt = Pick<Dispatch, 'id' | 'issue' | 'state' | 'handed_at' | 'change_url'>
type Order = Pick<Dispatch, 'id' | 'handed_at'>

/** Compares dispatches by the order in which their prompts reached the agent. burn types prompts of one moment in the order of their ids. */
export function byPrompt(a: Order, b: Order): number {
  return (a.handed_at ?? 0) - (b.handed_at ?? 0) || (a.id < b.id ? -1 : 1)
}

/**
 * Returns the issue that an agent works on: the one of the last sample if the agent may still have it, else the first one that the agent
 * got and has not finished. An agent works on its prompts in order: if the change of a later one is open or merged, the agent has finished the
 * earlier ones, even those without a change. `before`: the issue of the last sample of this agent.
 */
export function presentIssue(own: readonly Prompt[], before: IssueRef | null): IssueRef | null {
  const isFinished = ({ state, change_url }: Prompt) => state === 'review' || (state === 'done' && change_url !== null)
  const finished = Math.max(0, ...own.filter(isFinished).map(({ handed_at }) => handed_at ?? 0))
  const left = own.filter(({ state, handed_at }) => state === 'handed' && (handed_at ?? 0) >= finished).toSorted(byPrompt)
  return (left.find(({ issue }) => issue === before) ?? left[0])?.issue ?? null
}
