/** Decides which logins a person must renew, from the events that the job `logins` recorded. Pure. */
import type { Event, EventKind } from '../core/events.ts'
import type { Time } from '../core/nouns.ts'
import type { NeedsYou } from '../core/period-report.ts'
import { counted } from '../core/text.ts'
import { endText } from './event-meaning.ts'

/** The kinds of events that report a trouble of a login, or its end. */
export const loginEvents = ['login.ended', 'login.failing', 'login.copied', 'login.ending', 'login.restored'] as const

/** Returns the logins that need a person. `events`: the events of `loginEvents`, oldest first. */
export function loginNeeds(events: readonly Event[], now: Time): NeedsYou[] {
  return [...Map.groupBy(events, ({ subject }) => subject)].flatMap(([subject, own]): NeedsYou[] => {
    const open = openEvent(own, now)
    if (open === undefined || !('remedy' in open.payload) || !('workers' in open.payload)) return []
    const { ends_at, workers, remedy } = open.payload
    const text = `the login of ${counted(workers, 'worker')} ${wordsFor(open.kind, ends_at)}`
    return [{ kind: 'login', subject, text, since: open.at, url: null, remedy }]
  })
}

/** Returns the event of a trouble that has not ended, or else of a warning about an end in the future. */
function openEvent(own: readonly Event[], now: Time): Event | undefined {
  const last = own.findLast(({ kind }) => kind !== 'login.ending')
  if (last !== undefined && last.kind !== 'login.restored') return last
  const warning = own.findLast(({ kind }) => kind === 'login.ending')
  if (warning === undefined || warning.at < (last?.at ?? 0) || !('ends_at' in warning.payload)) return undefined
  return (warning.payload.ends_at ?? 0) > now ? warning : undefined
}

function wordsFor(kind: EventKind, ends_at: Time | null): string {
  if (kind === 'login.ended') return 'has ended'
  if (kind === 'login.failing') return `is not renewed, and ends ${endText(ends_at)}`
  return kind === 'login.copied' ? 'is a copy of another login' : `ends ${endText(ends_at)}, and nothing renews it`
}
