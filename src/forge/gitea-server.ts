/** Asks a Gitea or Forgejo server for its version and its settings, and reads lists whose headers do not count their items. */
import { membersOf, stringOf } from '../core/json.ts'
import type { Api, ApiAnswer } from './api.ts'
import { largestPage, maxPages, pageSize, tooManyPagesError, type Query } from './paging.ts'

/** The version of a server. */
export interface ServerVersion {
  readonly product: 'Gitea' | 'Forgejo'
  readonly major: number
  readonly minor: number
}

/** The API of a Gitea or Forgejo, with facts about the server that burn asks for once in each process. */
export interface Server {
  readonly api: Api
  /** The forge's own address, without `/api/v1`. */
  readonly url: string
  version(): Promise<ServerVersion>
  /** Returns the number of items on a full page. */
  pageSize(): Promise<number>
}

/** Returns the server of an API. */
export function openGiteaServer(api: Api, url: string): Server {
  return { api, url, version: once(() => readVersion(api)), pageSize: once(() => largestPage(api)) }
}

/** Returns a function that keeps the first result. It calls `read` again after an error. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | null = null
  return () => {
    result ??= read().catch((thrown: unknown) => {
      result = null
      throw thrown
    })
    return result
  }
}

async function readVersion(api: Api): Promise<ServerVersion> {
  const { version } = membersOf((await api.get('/version')).json)
  const text = stringOf(version) ?? ''
  const [, major = 0, minor = 0] = /^v?(\d+)\.(\d+)/.exec(text) ?? []
  return { product: text.includes('+gitea-') ? 'Forgejo' : 'Gitea', major: Number(major), minor: Number(minor) }
}

/** Returns true if the server is a Gitea of at least this version. Forgejo counts its versions differently. */
export function isGitea({ product, major, minor }: ServerVersion, least: readonly [number, number]): boolean {
  return product === 'Gitea' && (major > least[0] || (major === least[0] && minor >= least[1]))
}

/** Returns the name of a server, such as `Gitea 1.25`. */
export function nameOfVersion({ product, major, minor }: ServerVersion): string {
  return major === 0 ? `a ${product} of an unknown version` : `${product} ${major}.${minor}`
}

/** A list of the API. */
interface ServerList {
  readonly path: string
  readonly query?: Query
  /** Returns the items of a page. */
  readonly items: (json: unknown) => readonly unknown[]
  /**
   * How burn recognises the last page. `short`: it has fewer items than a full page. `counted`: the server counts the items, but hides some
   * of them. `empty`: neither holds, so burn reads until a page is empty.
   */
  readonly end: 'short' | 'counted' | 'empty'
}

/** Reads a list page by page. Throws BurnError `forge_too_big` if it has too many pages. */
export async function* pagesOf(server: Server, { path, query = {}, items, end }: ServerList): AsyncGenerator<readonly unknown[]> {
  for (let page = 1; page <= maxPages; page++) {
    const { json, total } = await server.api.get(path, { ...query, limit: pageSize, page })
    const found = items(json)
    yield found
    if (await isLastPage(server, end, { page, found: found.length, total })) return
  }
  throw tooManyPagesError(path)
}

interface ReadPage extends Pick<ApiAnswer, 'total'> {
  readonly page: number
  /** The number of items on the page. */
  readonly found: number
}

/** Tells whether a page is the last one. Asks for the size of a full page only if the answer depends on it. */
async function isLastPage(server: Server, end: ServerList['end'], { page, found, total }: ReadPage): Promise<boolean> {
  if (end === 'counted' && total !== null) return total <= found || page * (await server.pageSize()) >= total
  return found === 0 || (end === 'short' && found < pageSize && found < (await server.pageSize()))
}

/** Reads a whole list. */
export async function readList(server: Server, list: ServerList): Promise<readonly unknown[]> {
  const all: unknown[] = []
  for await (const items of pagesOf(server, list)) all.push(...items)
  return all
}
