/** Makes a sentence of an event, for `burn log`. Pure. */
import type { Event, EventData, EventKind } from '../core/events.ts'
import type { HoldScope } from '../core/nouns.ts'
import { eventText, steeredText } from './event-kinds.ts'
import { sentence } from './wording.ts'

/** The beginnings of sentences. The text of the event follows, and the names of the issue and the worker stand before it. */
const begins: { readonly [K in EventKind]?: string } = {
  'issue.eligible': 'eligible',
  'issue.ineligible': 'not eligible',
  'issue.over_budget': 'over budget',
  'budget.warned': 'budget',
  'dispatch.claimed': 'assigned',
  'dispatch.handed': 'has the issue',
  'dispatch.review': 'in review',
  'dispatch.done': 'done',
  'dispatch.failed': 'failed',
  'dispatch.lost': 'lost',
  'dispatch.released': 'released',
  'delivery.placing': 'text',
  'delivery.placed': 'text',
  'delivery.submitted': 'text',
  'delivery.seen': 'has the text',
  'delivery.refused': 'did not get the text',
  'delivery.unknown': 'may not have the text',
  'delivery.mangled': 'got another text',
  'worker.waiting': 'waits for an answer',
  'worker.error': 'its turn failed',
  'worker.dead': 'its agent ended',
  'worker.limited': 'reached a usage limit',
  'worker.cleared': 'ended',
  'machine.unreachable': 'unreachable',
  'machine.cleared': 'ended',
  ...heldAndResumed('worker', 'lane', 'machine', 'repo', 'account', 'fleet'),
}

function heldAndResumed(...scopes: readonly HoldScope[]): { readonly [K in EventKind]?: string } {
  return Object.fromEntries(
    scopes.flatMap((scope) => [
      [`${scope}.held`, 'held'],
      [`${scope}.resumed`, 'the hold ended'],
    ]),
  )
}

/** The sentences of other kinds. Their data are not for people, or do not make a sentence. */
const sentences: { readonly [K in EventKind]?: (data: EventData[K]) => string } = {
  'issue.found': ({ title }) => `new issue: ${title}`,
  'issue.closed': ({ title }) => `closed: ${title}`,
  'issue.reopened': ({ title }) => `reopened: ${title}`,
  'issue.approved': ({ by }) => `${by ?? 'a trusted label'} approves the text of the issue`,
  'issue.steered': steeredText,
  'issue.requeued': () => 'a person requeued the issue',
  'issue.prioritized': ({ priority }) => (priority === 0 ? 'a person removed the priority' : `a person set the priority ${priority}`),
  'dispatch.commented': ({ says }) => `burn's comment says ${says}`,
  'delivery.planned': ({ kind }) => `text: burn has prepared it (${kind.replaceAll('_', ' ')})`,
  'delivery.taken_over': () => 'text: another process continues it',
  'worker.recorded': () => 'burn saw the worker for the first time',
  'worker.starting': ({ continues, reason }) =>
    continues === null ? `burn starts the agent: ${sentence(reason)}` : 'burn starts the agent, which continues its conversation',
  'worker.continued': () => 'the new agent continues the conversation, and keeps the issue',
}

/**
 * Returns an event in words, to print after the names of its issue and its worker. A kind without words of its own begins with the kind.
 */
export function eventSentence(event: Pick<Event, 'kind' | 'payload'>): string {
  const { kind, payload } = event
  const text = eventText(event)
  // TypeScript cannot infer that the entry of a kind accepts the payload of that kind.
  const sentenceOf = sentences[kind] as ((data: typeof payload) => string) | undefined
  if (sentenceOf !== undefined && !('prose' in payload)) return sentenceOf(payload)
  const start = begins[kind] ?? kind
  return text === '' ? start : `${start}: ${text}`
}
