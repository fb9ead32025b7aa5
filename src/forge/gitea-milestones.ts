/** Notices changed due dates of milestones on Gitea and Forgejo. These forges do not list the issues of such a milestone as updated. */
import type { RepoRef, Time } from '../core/nouns.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { membersOf } from '../core/json.ts'
import { hashOfText } from '../core/random.ts'
import type { Api } from './api.ts'
import { listAll } from './paging.ts'
import { repoPath } from './refs.ts'

/** The due dates of a repo's open milestones at one time. */
export interface Milestones {
  /** A hash of the due dates. */
  readonly dates: string
  readonly checked_at: Time
}

/** The interval (ms) between two reads of a repo's milestones. */
const checkInterval = 5 * 60_000

type Known = { readonly milestones: Milestones | null } | null

/** Returns the due dates of the cursor, or new ones if `checkInterval` has elapsed since burn read them. */
export async function checkMilestones(api: Api, repo: RepoRef, cursor: Known, now: Time): Promise<Milestones | null> {
  const known = cursor?.milestones ?? null
  if (known === null || !hasElapsed(known.checked_at, checkInterval, now)) return known
  return { dates: hashOf(await readDates(api, repo)), checked_at: now }
}

/** A listing of issues. */
interface Listed {
  /** The cursor before the listing; null for a complete listing. */
  readonly before: Known
  /** The due dates that burn read before the listing; null if it read none. */
  readonly checked: Milestones | null
  /** The milestones of the listed issues. */
  readonly used: readonly MilestoneDate[]
}

/** Returns the due dates for the next cursor: those that burn read before the listing, or new ones if an issue has a milestone. */
export async function milestonesAfter(api: Api, repo: RepoRef, { before, checked, used }: Listed, now: Time): Promise<Milestones | null> {
  if (used.length === 0 && before === null) return null
  if (used.length === 0 || checked !== null) return checked
  const dates = await readDates(api, repo)
  const isSame = used.every(({ key, value }) => (dates.get(key) ?? value) === value)
  // A date that changed since the listing makes burn list all issues again after the next check.
  return { dates: isSame ? hashOf(dates) : 'changed', checked_at: now }
}

const hashOf = (dates: ReadonlyMap<unknown, string>) =>
  String(
    hashOfText(
      [...dates]
        .map((pair) => pair.join(' '))
        .toSorted()
        .join('\n'),
    ),
  )

/** The id of a milestone, and its due date as text. */
interface MilestoneDate {
  readonly key: unknown
  readonly value: string
}

/** Returns the due date of a milestone in the forge's format. */
export function milestoneDate(item: unknown): MilestoneDate {
  const { id, due_on } = membersOf(item)
  return { key: id, value: String(due_on) }
}

/** Returns the due date of each open milestone by its id. */
async function readDates(api: Api, repo: RepoRef): Promise<ReadonlyMap<unknown, string>> {
  const keep = (item: unknown) => ({ key: milestoneDate(item).key, value: milestoneDate(item) })
  const { values } = await listAll(api, `${repoPath(repo)}/milestones`, { state: 'open' }, keep)
  return new Map(values.map(({ key, value }) => [key, value]))
}
