/** The tables, as both engines have them: booleans as 0 and 1, JSON as text, times in milliseconds. */
import type { Generated, Kysely } from 'kysely'
import type { Delivery, Dispatch } from '../core/lives.ts'
import type { Standing } from '../core/ledger/backlog.ts'
import type { Skip } from '../core/ledger/sprints.ts'
import type { Issue, ReadingState } from '../core/nouns.ts'
import type { Sprint } from '../core/sprint.ts'

export type IssueRow = Omit<Issue, 'labels' | 'assignees'> & {
  /** JSON arrays of strings. */
  labels: string
  assignees: string
  attempts: Generated<number>
  done: Generated<number>
  /** The verdict: all three are set, or none. */
  eligible: number | null
  verdict: string | null
  verdict_at: number | null
  /** Both are set, or none. */
  rests_until: Generated<number | null>
  rests_why: Generated<string | null>
  /** The name of an open change for it, from `open_change`. */
  open_change: Generated<string | null>
  /** Mark of the text that a trusted label was first seen with. */
  approved: Generated<string | null>
  /** Null where it is to be judged. */
  standing: Standing | null
  revision: Generated<number>
}

export interface WorkerRow {
  id: string
  /** Order of recording. */
  drawn_seq: number
  drawn: number
  hold: string | null
  used_at: number | null
  state: ReadingState | null
  state_since: number | null
  error_at: number | null
}

export interface RepoRow {
  repo: string
  cursor: string | null
  /** JSON array of strings. */
  writers: string | null
  writers_at: number | null
  rights_at: number | null
  listed_at: number | null
  changes_at: number | null
  waits: string | null
  /** Both are set, or none. */
  rests_until: number | null
  rests_why: string | null
  /** Both are set, or none. */
  unread_since: number | null
  unread_why: string | null
  changed_at: number | null
}

/** An open change and one issue that it belongs to; `id` is both. */
export interface OpenChangeRow {
  id: string
  issue: string
  /** The repo of the change. */
  repo: string
  url: string
  name: string
  /** The dispatch whose branch it comes from. */
  dispatch: string | null
}

export type DispatchRow = Dispatch

/** `issue` is that of its dispatch: kept here so that its events need no join. */
export type DeliveryRow = Delivery & { issue: string | null }

export interface EventRow {
  seq: Generated<number>
  at: number
  kind: string
  subject: string
  issue: string | null
  worker: string | null
  text: string
}

/** Nothing in it refers to a row that could be gone: results outlive what they are of. */
export type SprintRow = {
  -readonly [Key in keyof Sprint]: Sprint[Key]
}

export interface LeaseRow {
  name: string
  owner: string
  until: number
}

/** `id` is worker and issue. */
export type SkipRow = Skip & { id: string }

/** What is true of the whole ledger, e.g. `version`. */
export interface MetaRow {
  key: string
  value: string
}

export interface Tables {
  issue: IssueRow
  worker: WorkerRow
  repo: RepoRow
  open_change: OpenChangeRow
  dispatch: DispatchRow
  delivery: DeliveryRow
  event: EventRow
  sprint: SprintRow
  lease: LeaseRow
  skip: SkipRow
  meta: MetaRow
}

export type Db = Kysely<Tables>
