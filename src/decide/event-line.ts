/** Makes sentences of events, for `burn log` and for messages. Pure. */
import type { Event, EventData, EventKind } from '../core/events.ts'
import type { HoldScope } from '../core/nouns.ts'
import { eventKinds, eventText } from './event-kinds.ts'
import { sentence } from './wording.ts'

/**
 * The beginnings of sentences. The names of the issue and the worker stand before, and the text of the event follows. The text of other kinds
 * is a whole sentence.
 */
const begins: { readonly [K in EventKind]?: string } = {
  'issue.found': 'new issue',
  'issue.closed': 'closed',
  'issue.reopened': 'reopened',
  'issue.eligible': 'eligible',
  'issue.ineligible': 'not eligible',
  'issue.rests': 'burn backs off',
  'issue.skipped': 'skipped',
  'issue.requeued': 'a person requeued the issue',
  'issue.over_budget': 'over budget',
  'issue.mangled': 'got a changed text',
  'change.step': 'change',
  'repo.rests': 'burn backs off',
  'budget.warned': 'budget',
  'dispatch.claimed': 'assigned',
  'dispatch.handed': 'has the issue',
  'dispatch.review': 'in review',
  'dispatch.done': 'done',
  'dispatch.failed': 'failed',
  'dispatch.lost': 'lost',
  'dispatch.released': 'released',
  'delegation.assigned': 'assigned on the forge',
  'delegation.left': 'not assigned',
  'delegation.started': 'somebody started',
  'delegation.closed': 'closed',
  'delegation.changed': 'a person changed the assignees',
  'delegation.expired': 'the assignment expired',
  'delivery.planned': 'new text',
  'delivery.placing': 'text',
  'delivery.placed': 'text',
  'delivery.submitted': 'text',
  'delivery.seen': 'has the text',
  'delivery.refused': 'did not get the text',
  'delivery.unknown': 'may not have the text',
  'delivery.mangled': 'got another text',
  'delivery.taken_over': 'another process continues the text',
  'worker.recorded': 'burn saw the worker for the first time',
  'worker.retiring': 'retires',
  'worker.retired': 'retired',
  'worker.starting': 'burn starts the agent',
  'worker.restarting': 'burn restarts the agent',
  'worker.waiting': 'waits for an answer',
  'worker.error': 'its turn failed',
  'worker.dead': 'its agent ended',
  'worker.limited': 'reached a usage limit',
  'worker.cleared': 'the state ended',
  'machine.unreachable': 'unreachable',
  'machine.cleared': 'the state ended',
  'machine.lost': 'the connection was lost',
  'login.tried': 'login',
  'git.login_failed': 'git got no login',
  'job.missed': 'missed',
  'job.cleared': 'the state ended',
  'job.failed': 'failed',
  'cycle.failed': 'the cycle failed',
  'dispatcher.silent': 'silent',
  'dispatcher.cleared': 'the state ended',
  'drift.found': 'other settings than it should have',
  'drift.cleared': 'the state ended',
  'drift.commanded': 'burn changes the model',
  'drift.restarted': 'burn restarts the agent',
  'drift.escalated': 'needs a person',
  'backend.unusable': 'unusable',
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

/** The sentences of kinds whose text is not for people, or makes no sentence. */
const sentences: { readonly [K in EventKind]?: (data: EventData[K]) => string } = {
  'issue.approved': ({ by }) => `${by ?? 'a trusted label'} approves the text of the issue`,
  'issue.prioritized': ({ priority }) => (priority === 0 ? 'a person removed the priority' : `a person set the priority ${priority}`),
  'dispatch.commented': ({ says }) => `burn's comment says ${says}`,
  'delivery.planned': ({ kind }) => `text: burn has prepared it (${kind.replaceAll('_', ' ')})`,
  'delivery.taken_over': () => 'text: another process continues it',
  'worker.starting': ({ continues, reason }) =>
    continues === null ? `burn starts the agent: ${sentence(reason)}` : 'burn starts the agent, which continues its conversation',
  'worker.continued': () => 'the new agent continues the conversation, and keeps the issue',
}

/**
 * Returns the words with which a sentence about an event of this kind begins; empty if the text of the event is the sentence. Returns the kind
 * if a newer version of burn wrote the event.
 */
export function eventStart(kind: EventKind): string {
  return begins[kind] ?? (kind in eventKinds ? '' : kind)
}

/** Returns an event in words, to print after the names of its issue and its worker. */
export function eventSentence(event: Pick<Event, 'kind' | 'payload'>): string {
  const { kind, payload } = event
  // TypeScript cannot infer that the entry of a kind accepts the payload of that kind.
  const sentenceOf = sentences[kind] as ((data: typeof payload) => string) | undefined
  if (sentenceOf !== undefined && !('prose' in payload)) return sentenceOf(payload)
  return [eventStart(kind), eventText(event)].filter((part) => part !== '').join(': ')
}
