/** Reads the forge and the repo from URLs of git remotes, and chooses the forge that most of them name. Pure. */

/** The repo that the URL of a remote names. */
export interface Remote {
  /** The host of the forge, without a port. */
  readonly host: string
  readonly owner: string
  readonly name: string
  /** The address of the forge, if the URL has it: a URL for ssh does not. */
  readonly web: string | null
  /** The URL for git, if it uses ssh. */
  readonly ssh: string | null
}

/** A git repository on this computer, with a remote. */
export interface Checkout {
  readonly remote: Remote
  /** The default branch of the remote; null if git does not know it. */
  readonly base: string | null
  /** The command that checks the repo; null if burn found none. */
  readonly check: string | null
}

/** Returns the repo of a remote; null if the URL names no repo of a forge, for example a folder. Removes a login from the URL. */
export function parseRemote(url: string): Remote | null {
  // The form of scp: `git@forge.example.com:owner/name.git`.
  const [, user = '', scpHost, scpPath] = /^(?:([\w.-]+)@)?([\w.-]+):(?!\/\/)\/?(.+)$/.exec(url) ?? []
  if (scpHost !== undefined && scpPath !== undefined)
    return remoteAt(scpHost, scpPath, (path) => ({ web: null, ssh: `ssh://${user === '' ? '' : `${user}@`}${scpHost}/${path}` }))
  if (!URL.canParse(url)) return null
  const { protocol, hostname, host, username, pathname } = new URL(url)
  const path = pathname.replace(/^\/+/, '')
  if (protocol === 'ssh:') {
    const login = username === '' ? '' : `${username}@`
    return remoteAt(hostname, path, (to) => ({ web: null, ssh: `ssh://${login}${host}/${to}` }))
  }
  if (protocol !== 'https:' && protocol !== 'http:') return null
  return remoteAt(hostname, path, (_, prefix) => ({ web: `${protocol}//${host}${prefix}`, ssh: null }))
}

/** Returns the remote with the owner and the name at the end of `path`. `addresses` gets the whole path, and the path before the owner. */
function remoteAt(host: string, path: string, addresses: (path: string, prefix: string) => Pick<Remote, 'web' | 'ssh'>): Remote | null {
  const parts = path.split('/').filter((part) => part !== '')
  const [owner, last] = parts.slice(-2)
  const name = last?.replace(/\.git$/, '')
  if (owner === undefined || name === undefined || name === '') return null
  const prefix = parts.slice(0, -2).map((part) => `/${part}`)
  return { host, owner, name, ...addresses(path, prefix.join('')) }
}

/** The hosts of forges that burn cannot use, with their names. */
const otherForges: Readonly<Record<string, string>> = {
  'github.com': 'GitHub',
  'ssh.github.com': 'GitHub',
  'gitlab.com': 'GitLab',
  'bitbucket.org': 'Bitbucket',
}

/** Returns the name of a forge that burn cannot use; null if the host may be a Gitea or Forgejo. */
export function otherForge(host: string): string | null {
  return otherForges[host] ?? null
}

/** The forge that the checkouts name. */
export interface ForgeChoice {
  readonly host: string
  /** The address of the forge; a guess if all URLs use ssh. */
  readonly url: string
  /** The owner of most repos. */
  readonly owner: string
  readonly checkouts: readonly Checkout[]
}

/** Returns the forge with the most checkouts among those that burn may be able to use; null if there is none. */
export function chooseForge(checkouts: readonly Checkout[]): ForgeChoice | null {
  const usable = checkouts.filter(({ remote }) => otherForge(remote.host) === null)
  const own = largestGroup(usable, ({ remote }) => remote.host)
  const [first] = own
  if (first === undefined) return null
  const { host } = first.remote
  const [most] = largestGroup(own, ({ remote }) => remote.owner)
  const url = own.find(({ remote }) => remote.web !== null)?.remote.web ?? `https://${host}`
  const names = new Set<string>()
  // Two checkouts can have the same remote.
  const distinct = own.filter(({ remote }) => names.size < names.add(`${remote.owner}/${remote.name}`).size)
  return { host, url, owner: (most ?? first).remote.owner, checkouts: distinct }
}

/** Returns the items of the largest group; of equal groups the first one. */
function largestGroup<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  const groups = [...Map.groupBy(items, key).values()]
  return groups.reduce<readonly T[]>((largest, group) => (group.length > largest.length ? group : largest), [])
}
