/** Decides about logins from the login files of a machine: their states, their workers, and who shares a login. Pure. */
import type { AgentHome } from '../core/agent-home.ts'
import type { AgentLogins, FoundLogin, Login, LoginFile, LoginListing, LoginState, SharedLogin } from '../core/login.ts'
import type { Time, WorkerId } from '../core/nouns.ts'

/** A worker whose agent kind has logins. */
export interface LoginUser {
  readonly worker: WorkerId
  /** The agent kind. */
  readonly agent: string
  readonly logins: AgentLogins
  readonly home: AgentHome
  /** The provider that the spec sets for the worker; null if it sets none. */
  readonly provider: string | null
}

/** Returns the paths of all files that `loginsOn` needs. */
export function loginPaths(users: readonly LoginUser[]): string[] {
  return [...new Set(users.flatMap(({ logins, home }) => [...logins.places(home), ...(logins.others?.(home) ?? [])]))]
}

/** Returns the state of a login. `margin`: the time (ms) before the end at which its program renews the login. */
export function loginState(login: FoundLogin, now: Time, margin: number): LoginState {
  const { kind, refused, ends_at } = login
  if (refused) return 'refused'
  if (kind === 'key') return 'key'
  if (ends_at === null) return 'unknown'
  if (ends_at <= now) return isRenewable(login, now) ? 'expired' : 'ended'
  return isRenewable(login, now) && ends_at - now <= margin ? 'due' : 'valid'
}

function isRenewable({ refused, renewable, renewable_until }: FoundLogin, now: Time): boolean {
  return !refused && renewable && (renewable_until === null || renewable_until > now)
}

/** Returns true if only a person can make the login work again. */
export function needsPerson({ state }: Pick<Login, 'state'>): boolean {
  return state === 'refused' || state === 'ended'
}

/** The states of logins, the worst first. */
const worstFirst: readonly LoginState[] = ['refused', 'ended', 'none', 'expired', 'due', 'unknown', 'key', 'valid']

/** Returns the login of each worker. If a worker has logins at several providers, the worst one counts. */
export function loginsByWorker(logins: readonly Login[]): Map<WorkerId, Login> {
  const byRank = logins.toSorted((a, b) => worstFirst.indexOf(b.state) - worstFirst.indexOf(a.state))
  return new Map(byRank.flatMap((login) => login.workers.map((worker) => [worker, login] as const)))
}

/** Returns the time at which a login ends unless a person logs in again; null if burn knows no end. */
export function finalEnd({ state, ends_at, renewed_by, renewable_until }: Login, now: Time): Time | null {
  if (needsPerson({ state })) return Math.min(ends_at ?? now, now)
  return renewed_by === null ? ends_at : renewable_until
}

/** The facts about a machine that `loginsOn` needs. */
export interface LoginsInput {
  readonly machine: string
  readonly users: readonly LoginUser[]
  readonly listing: LoginListing
  /** True if burn may run the commands that renew logins. */
  readonly refresh: boolean
}

/**
 * Returns all logins on a machine, with the workers that use them. A worker without a login has an entry with the state `none` or
 * `unknown`.
 */
export function loginsOn(input: LoginsInput): Login[] {
  const { users, listing } = input
  const files = new Map(listing.files.map((file) => [file.path, file]))
  const logins = new Map<string, Login>()
  for (const each of new Map(users.map((user) => [user.agent, user])).values()) {
    const own = users.filter(({ agent }) => agent === each.agent)
    for (const file of filesOf(own, listing.files)) for (const login of inFile(file, each, files, input)) logins.set(login.id, login)
  }
  const usedBy = Map.groupBy(
    users.flatMap((user) => usesOf(user, [...logins.values()], input).map((login) => ({ login, worker: user.worker }))),
    ({ login }) => login.id,
  )
  for (const [id, uses] of usedBy) logins.set(id, { ...uses[0]!.login, workers: uses.map(({ worker }) => worker) })
  return [...logins.values()].filter(({ state, workers }) => workers.length > 0 || state !== 'unknown')
}

/** Returns the files of an agent kind, each once. */
function filesOf(users: readonly LoginUser[], files: readonly LoginFile[]): LoginFile[] {
  const wanted = loginPaths(users).map((path) => new RegExp(`^${path.replace(/[\\^$.+?()[\]{}|]/g, '\\$&').replaceAll('*', '[^/]+')}$`))
  const found = files.filter(({ path }) => wanted.some((pattern) => pattern.test(path)))
  return [...new Map(found.toReversed().map((file) => [file.real, file])).values()].toReversed()
}

function inFile(file: LoginFile, user: LoginUser, files: ReadonlyMap<string, LoginFile>, input: LoginsInput): Login[] {
  if (file.content === null) return [withoutLogin({ path: file.path, state: 'unknown', why: file.why }, user, input)]
  return user.logins.read(file, files).map((found) => toLogin(found, file, user, input))
}

function toLogin(found: FoundLogin, file: LoginFile, { agent, logins }: LoginUser, { machine, listing, refresh }: LoginsInput): Login {
  const { refused: _, kind: __, store = file.real, ...more } = found
  const burnRenews = refresh && logins.renews?.providers.includes(found.provider) === true
  const state = loginState(found, listing.clock, burnRenews ? logins.renews.margin : 0)
  const path = shortPath(file.path, listing)
  return {
    ...more,
    id: `${machine} ${path} ${found.provider}`,
    machine,
    agent,
    file: path,
    state,
    renewed_by: !isRenewable(found, listing.clock) ? null : burnRenews ? 'burn' : 'agent',
    why: state === 'unknown' ? 'the file does not show the end of the login' : '',
    store: `${listing.host === '' ? machine : listing.host} ${store}`,
    workers: [],
  }
}

/** Returns the logins that a worker uses: for each provider, the first that its agent finds. */
function usesOf(user: LoginUser, logins: readonly Login[], input: LoginsInput): Login[] {
  const { listing } = input
  const reals = new Map(listing.files.map(({ path, real }) => [path, real]))
  const places = user.logins.places(user.home)
  const used = new Map<string, Login>()
  for (const place of places) {
    const real = reals.get(place)
    const own = logins.filter(
      (login) => login.agent === user.agent && real !== undefined && reals.get(longPath(login.file, listing)) === real,
    )
    for (const login of own) if (!used.has(login.provider)) used.set(login.provider, login)
  }
  const all = [...used.values()]
  const chosen = all.filter(({ provider }) => provider === user.provider)
  if (all.length > 0) return chosen.length > 0 ? chosen : all
  const hidden = user.logins.hidden?.(listing.os) ?? null
  const why = hidden ?? 'the agent may use a key from its environment or its configuration'
  return [withoutLogin({ path: places[0] ?? '', state: hidden === null ? 'none' : 'unknown', why }, user, input)]
}

/** An entry for a file without a known login. */
interface Missing extends Pick<Login, 'state' | 'why'> {
  readonly path: string
}

function withoutLogin({ path, state, why }: Missing, { agent }: LoginUser, { machine, listing }: LoginsInput): Login {
  const file = shortPath(path, listing)
  const empty = { provider: '', account: null, ends_at: null, renewable: false, renewable_until: null, stamp: null, renewed_by: null }
  return { ...empty, id: `${machine} ${file}`, machine, agent, file, state, why, store: path, workers: [] }
}

const shortPath = (path: string, { person }: LoginListing) => (path.startsWith(`${person}/`) ? `~${path.slice(person.length)}` : path)
const longPath = (path: string, { person }: LoginListing) => path.replace(/^~(?=\/)/, person)

/** Returns the logins that several workers or files share. `logins`: those of all machines. `kinds`: the facts about each agent kind. */
export function sharedLogins(logins: readonly Login[], kinds: ReadonlyMap<string, AgentLogins>): SharedLogin[] {
  const oneFile = logins.flatMap((login): SharedLogin[] => {
    const risk = kinds.get(login.agent)?.shared_risk ?? null
    return login.workers.length < 2 || !login.renewable ? [] : [{ logins: [login.id], workers: login.workers, risk }]
  })
  const stamped = logins.filter(({ stamp, renewable }) => stamp !== null && renewable)
  const copies = [...Map.groupBy(stamped, ({ agent, provider, stamp }) => `${agent} ${provider} ${stamp}`).values()].flatMap(
    (same): SharedLogin[] => {
      if (new Set(same.map(({ store }) => store)).size < 2) return []
      const risk = kinds.get(same[0]!.agent)?.copied_risk ?? null
      return [{ logins: same.map(({ id }) => id), workers: [...new Set(same.flatMap(({ workers }) => workers))], risk }]
    },
  )
  return [...oneFile, ...copies]
}
