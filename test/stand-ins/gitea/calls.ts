/** A call of the stand-in's API, its reply, and the helpers of all handlers. */
import type { ForgeState, RepoRow } from './state.ts'

/** A request of the API. */
export interface Call {
  readonly method: string
  readonly query: URLSearchParams
  readonly body: unknown
  /** The login of the caller. */
  readonly login: string
  /** True if the caller administers the server. */
  readonly admin: boolean
  /** The scopes of the token. */
  readonly scopes: readonly string[]
  /** The forge's own address. */
  readonly url: string
  /** The maximum number of items on a page: 50 unless the server is configured otherwise. */
  readonly most_items: number
  /** The id of the newest object when the request arrived. */
  readonly newest: number
  readonly version: GiteaVersion
}

/** A version of Gitea, or of Forgejo with the version of Gitea that it claims to be compatible with. */
export type GiteaVersion = (typeof versions)[number]
const versions = ['1.23.8', '1.24.6', '1.25.2', '1.26.0', '15.0.0+gitea-1.22.0'] as const

/** Returns the version with this name. Throws if the stand-in does not imitate it. */
export function versionOf(text: string): GiteaVersion {
  const found = versions.find((each) => each === text)
  if (found === undefined) throw new Error(`${text} is not one of ${versions.join(', ')}`)
  return found
}

/** Tells whether the server is a Gitea of at least this version, `1.<minor>`. */
export const isSince = (version: GiteaVersion, minor: number) => !version.includes('+') && Number(version.split('.')[1]) >= minor

/** The answer to a call. */
export interface Reply {
  readonly status: number
  readonly json: unknown
  /** The number of items in the whole list; null if it is not a list with pages. */
  readonly total: number | null
  readonly location?: string
  /** True if the answer has no content, not even a content type. */
  readonly empty?: true
  /** True if Gitea itself deviates from its description here. */
  readonly undescribed?: true
  /** A file, in place of JSON. */
  readonly file?: ServedFile
}

/** A file of any size: its parts are made when they are sent. */
export interface ServedFile {
  readonly size: number
  /** Returns the bytes of a part of the file. */
  part(from: number, to: number): Buffer
}

/** Answers one kind of call. `words` are the variable parts of its path. */
export type Handler = (state: ForgeState, call: Call, words: readonly string[]) => Reply

const defaultItems = 30

/** Returns a reply. */
export const reply = (status: number, json: unknown, total: number | null = null): Reply => ({ status, json, total })
/** Returns an answer without content. */
export const emptyReply = (status: number): Reply => ({ ...reply(status, null), empty: true })
/** Returns a refusal, as Gitea words it. */
export const refuse = (status: number, message: string, url: string) => reply(status, { message, url: `${url}/api/swagger` })

/** Returns an internal error, as Gitea answers to mistakes that it does not expect. Only administrators get the message. */
export const fail = (message: string, { admin, url }: Call) => refuse(500, admin ? message : '', url)

/** Handlers throw this to end a call with that reply. */
export class Refused extends Error {
  readonly reply: Reply

  constructor(answer: Reply) {
    super(`answered with ${answer.status}`)
    this.reply = answer
  }
}

/** Returns the repo of a call. Throws `Refused` with 404, or with 301 if the repo was renamed. */
export function repoOf(state: ForgeState, { url }: Call, [owner = '', name = '']: readonly string[]): RepoRow {
  const full = `${owner}/${name}`
  const repo = state.repos.get(full.toLowerCase())
  if (repo !== undefined) return repo
  const renamed = state.renamed.get(full.toLowerCase())
  if (renamed === undefined) throw new Refused(refuse(404, "The target couldn't be found.", url))
  throw new Refused({ ...reply(301, null), location: renamed })
}

/** Throws `Refused` if the caller may not write. `own` says whether the object belongs to the caller. */
export function mayWrite(repo: RepoRow, { login, url }: Call, own: boolean): void {
  if (repo.archived) throw new Refused(refuse(423, 'repo is archived', url))
  if (!own && !repo.writers.has(login)) throw new Refused(refuse(403, 'user should have permission to write', url))
}

/** Throws `Refused` if pull requests are disabled in the repo. */
export function mayUsePulls({ has_pull_requests }: RepoRow, { url }: Call): void {
  if (!has_pull_requests) throw new Refused(refuse(404, "The target couldn't be found.", url))
}

/** Returns `owner/name`. */
export const nameOf = (repo: RepoRow) => `${repo.owner}/${repo.name}`

/** Returns a text of a body; undefined if it is missing. */
export function textIn(body: unknown, key: string): string | undefined {
  const value = (body as Record<string, unknown> | null)?.[key]
  return typeof value === 'string' ? value : undefined
}

/** Returns the page of a list that a call asks for. */
export function pageOf<T>(items: readonly T[], { query, most_items }: Call, toJson: (item: T) => unknown): Reply {
  const limit = Math.min(most_items, Number(query.get('limit') ?? defaultItems))
  const from = (Math.max(1, Number(query.get('page') ?? 1)) - 1) * limit
  return reply(200, items.slice(from, from + limit).map(toJson), items.length)
}
