/**
 * The types of usage: tokens that agents and sprints used, and where each agent program records them. `agents/` has the readers of the
 * records, and `collect/usage` runs them.
 */
import type { AgentHome } from './agent-home.ts'
import type { Incarnation, IssueRef, Time, WorkerId } from './nouns.ts'
import type { UsageLimit } from './usage-limit.ts'

/** Counted tokens. Null means that the agent does not report the number; it never means 0. */
export interface Tokens {
  /** The number of requests to the model. */
  readonly calls: number
  /** Input without the parts that were read from or written to a cache. If the agent does not report a part, `input` contains it. */
  readonly input: number
  readonly cache_read: number | null
  readonly cache_write: number | null
  /** Output with its reasoning. */
  readonly output: number
  /** The part of `output` that was reasoning. */
  readonly reasoning: number | null
  /** The cost that the agent or its provider reported (USD). */
  readonly reported_cost: number | null
}

/** The model of some usage. A text is empty if it is unknown. */
export interface UsedModel {
  readonly provider: string
  /** The model that the agent asked for, and the model that answered. */
  readonly model_asked: string
  readonly model_answered: string
  /** True if a subscription pays for the tokens; null if unknown. */
  readonly subscription: boolean | null
}

/** Tokens that an agent recorded at one time. */
export interface Use extends Tokens, UsedModel {
  readonly at: Time
  /**
   * Names of the request, by which burn recognises a copy of it in another file. burn drops the use if it has already counted the first
   * name. Empty if the record has no name, or corrects an earlier record.
   */
  readonly ids: readonly string[]
  /** The key of the worker, if only this record shows it. See `UsageLog.keys`. */
  readonly key?: string
  /** The id of the conversation, as the hooks of the agent program report it; absent if the record does not show it. */
  readonly session?: string
  /** The id of the delivery whose text the agent received last before the request; absent if the record does not show it. */
  readonly prompt?: string
  /** True if the request is not a part of the conversation itself: of a sub-agent, or for a title. Its model is not the worker's. */
  readonly aside?: true
}

/** The result of reading a part of a record. */
export interface UsageRead {
  readonly uses: readonly Use[]
  /** The usage limits that the agent recorded; absent if it records none. */
  readonly limits?: readonly UsageLimit[]
  /** The values that the reader needs to continue after this part, as JSON. */
  readonly state: unknown
  /** The key of the worker that the records belong to, if the content shows it. */
  readonly key?: string
}

/** The facts about a worker by which burn recognises its records. */
export interface UsageOwner {
  /** The absolute path of the worker's directory, without symbolic links. */
  readonly dir: string
  /** The name of the worker's agent on its machine, as in `AgentPlace.name`. */
  readonly name: string
}

interface UsageOwners {
  /** Returns the keys that records of the worker may have. A key is a name that the agent program derives from directory or home. */
  keys(owner: UsageOwner): readonly string[]
  /** Returns the key in the path of a record; null if only the content shows the key. */
  keyOf(path: string): string | null
}

/** An agent program that appends usage to text files. */
export interface UsageFiles extends UsageOwners {
  readonly format: 'files'
  /** Returns the absolute paths of the folders with the files. */
  folders(home: AgentHome): readonly string[]
  /** The pattern for the names of the files, for `find -name`. */
  readonly name: string
  /** Returns the text that somebody submitted to the agent in a line; null if the line has none. Output of tools is no such text. */
  promptOf(line: string): string | null
  /** Reads whole lines. `state`: the state after the lines before; null at the start of the file. */
  read(state: unknown, lines: readonly string[]): UsageRead
}

/** An agent program that records usage in a SQLite database. */
export interface UsageDatabase extends UsageOwners {
  readonly format: 'database'
  /** Returns the absolute paths of the databases. */
  databases(home: AgentHome): readonly string[]
  /**
   * Queries that return the rows that changed since `?1` (ms since 1970). burn uses the first query that the database can run, because
   * tables differ between versions.
   */
  readonly queries: readonly string[]
  /** Reads rows. `since`: the time since which burn has counted everything; null at the first reading. */
  readRows(state: unknown, rows: readonly Readonly<Record<string, unknown>>[], since: Time): UsageRead
}

/** Where an agent program records usage, and how to read it. */
export type UsageLog = UsageFiles | UsageDatabase

/** Usage of one worker or sprint by one model in one hour. */
export interface UsageRecord extends Tokens, UsedModel {
  /** `pane`: an agent in a pane. `sprint`: a sprint. */
  readonly source: 'pane' | 'sprint'
  /** Empty if several workers share the record. */
  readonly worker: WorkerId
  /** Empty if unknown. */
  readonly incarnation: Incarnation
  /** Empty if the tokens belong to no issue. */
  readonly issue: IssueRef
  /** The agent kind, or the name of the sprint's backend. */
  readonly agent: string
  /** The start of the hour. */
  readonly hour: Time
  /** The time of the last tokens in this hour. */
  readonly last_at: Time
}

/** A file or database from which burn reads usage, and the position up to which burn has read it. */
export interface UsageSource {
  readonly machine: string
  readonly path: string
  /** The inode of a file; null for a database. */
  readonly inode: string | null
  /** The number of bytes of a file that burn has read, or the time (ms) up to which burn has counted the rows of a database. */
  readonly position: number
  /** The values that burn needs to continue, as JSON. */
  readonly state: unknown
  readonly read_at: Time
  /** The reason why burn could not read the source at the last attempt; null if it could. */
  readonly failure: string | null
}

/** A file that a listing found. */
export interface ListedFile {
  readonly path: string
  readonly inode: string
  readonly size: number
}

/** The result of `UsageRecords.list`. */
export interface UsageListing {
  /** The time of the listing, by the machine's own clock. */
  readonly clock: Time
  readonly person: string
  /** The absolute path without symbolic links of each directory that exists, by the path that was asked for. */
  readonly dirs: ReadonlyMap<string, string>
  readonly files: readonly ListedFile[]
  /** Messages about folders that could not be read. */
  readonly failures: readonly string[]
}

/** A part of a file: `length` bytes from `position`. */
export interface FilePart {
  readonly path: string
  readonly position: number
  readonly length: number
}

/** A query for one database. */
export interface DatabaseQuery {
  readonly path: string
  readonly queries: readonly string[]
  readonly since: Time
}

/** The answer of one database; null if the database does not exist. */
export type DatabaseAnswer = { readonly rows: readonly Readonly<Record<string, unknown>>[] } | { readonly failure: string } | null

/** Lists and reads the records of usage on one machine. Each operation is one round trip. Null: the machine did not answer. */
export interface UsageRecords {
  /** Returns the home directory, the real paths of `dirs`, and the files in `folders` that changed in the last `days` days. */
  list(
    dirs: readonly string[],
    folders: readonly { readonly path: string; readonly name: string }[],
    days: number,
  ): Promise<UsageListing | null>
  /** Returns the bytes of each part, one character for each byte; null for a file that burn cannot read. */
  read(parts: readonly FilePart[]): Promise<readonly (string | null)[] | null>
  query(queries: readonly DatabaseQuery[]): Promise<readonly DatabaseAnswer[] | null>
}
