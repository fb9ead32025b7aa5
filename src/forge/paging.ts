/** Reads lists page by page. A page that is too large is read again in smaller pages, down to single items. */
import { nullOnCode, type Api } from './api.ts'
import { BurnError } from '../core/errors.ts'
import { membersOf } from '../core/json.ts'
import { arrayOf } from './gitea-objects.ts'

/** The maximum number of pages of a list. burn refuses a list with more pages. */
export const maxPages = 2_000
const maxListAttempts = 3

/** The part of an item that burn keeps, and the key that identifies the item. */
export interface KeyedItem<T> {
  readonly key: unknown
  readonly value: T
}

/** All items of a list. */
export interface ListResult<T> {
  readonly values: readonly T[]
  /** The first bytes of each item that is too large to be read. */
  readonly too_big: readonly string[]
  /** The server's clock (ms) when it sent the first page; null if the server did not send it. */
  readonly date: number | null
  /** True if the forge repeated a page, so that the list may be incomplete. */
  readonly repeated: boolean
}

/**
 * Returns every item once, by its key. The list may change while burn reads its pages, and an item may then move to a page that burn has
 * already read. If fewer items arrive than the server counts, the list is read again. Only the results of `keep` stay in memory.
 */
export async function listAll<T>(api: Api, path: string, query: Query, keep: (item: unknown) => KeyedItem<T>): Promise<ListResult<T>> {
  const found = new Map<unknown, T>()
  let too_big: readonly string[] = []
  let date: number | null = null
  let repeated = false
  for (let attempts = 1; attempts <= maxListAttempts; attempts++) {
    const reading = await readPages(api, path, query, keep)
    date ??= reading.date
    too_big = reading.too_big
    repeated = reading.repeated
    reading.kept.forEach(({ key, value }, index) => found.set(key ?? `${attempts}.${index}`, value))
    if (found.size + too_big.length >= (reading.total ?? 0)) break
  }
  return { values: [...found.values()], too_big, date, repeated }
}

interface Pages<T> {
  readonly kept: readonly KeyedItem<T>[]
  readonly too_big: readonly string[]
  /** The server's count of all items, from the last page that was read. */
  readonly total: number | null
  readonly date: number | null
  readonly repeated: boolean
}

/**
 * Reads all pages. If the first page tells the number of items, burn reads the other pages concurrently. Otherwise burn reads them one
 * after the other.
 */
async function readPages<T>(api: Api, path: string, query: Query, keep: (item: unknown) => KeyedItem<T>): Promise<Pages<T>> {
  const kept: KeyedItem<T>[] = []
  const too_big: string[] = []
  const read = async (page: number, limit: number) => {
    const answer = await readPage(api, path, query, { limit, page })
    return { ...answer, kept: answer.items.map(keep) }
  }
  const take = (page: ListPage & { readonly kept: readonly KeyedItem<T>[] }) => {
    for (const each of page.kept) kept.push(each)
    too_big.push(...page.too_big)
  }
  const first = await read(1, pageSize)
  take(first)
  const size = first.items.length + first.too_big.length
  if (first.total !== null && size > 0) {
    const pages = Math.ceil(first.total / size)
    if (pages > maxPages) throw tooManyPagesError(path)
    const limit = pages > 1 ? Math.min(pageSize, size) : pageSize
    const others = await Promise.all(Array.from({ length: pages - 1 }, (_, index) => read(index + 2, limit)))
    for (const page of others) take(page)
    return { kept, too_big, total: others.at(-1)?.total ?? first.total, date: first.date, repeated: false }
  }
  const stepAfter = pageTracker()
  let step = stepAfter(first)
  for (let number = 2; step === 'more'; number++) {
    if (number > maxPages) throw tooManyPagesError(path)
    const answer = await read(number, pageSize)
    step = stepAfter(answer)
    if (step !== 'repeated') take(answer)
  }
  return { kept, too_big, total: null, date: first.date, repeated: step === 'repeated' }
}

/**
 * Returns a function that must be called with each page in turn, and that tells whether burn must read another page. Without a count and
 * without links, only an empty page ends a list, because the forge may return fewer items than burn requests. A forge that ignores the page
 * number repeats a page.
 */
export function pageTracker(): (page: ListPage) => 'more' | 'end' | 'repeated' {
  let read = 0
  let linked = false
  let idsBefore = ''
  return ({ items, too_big, total, more }) => {
    const size = items.length + too_big.length
    if (size === 0) return 'end'
    const ids = JSON.stringify([items.map((item) => membersOf(item)['id'] ?? item), too_big])
    if (ids === idsBefore) return 'repeated'
    idsBefore = ids
    read += size
    linked ||= more === true
    if (more === true || (total !== null && read < total)) return 'more'
    return more === false || total !== null || linked ? 'end' : 'more'
  }
}

/** The reason why a list may be incomplete if the forge repeated a page. */
export const repeatedPage = 'the forge sent the same page again, so burn cannot read the pages after it'

/** Returns the error for a list with too many pages. */
export function tooManyPagesError(path: string): BurnError {
  return new BurnError('forge_too_big', `${path} has more than ${maxPages} pages`, 'check that the spec names the right repo')
}

/** The number of items on a page. Gitea and Forgejo allow this many by default. */
export const pageSize = 50
/** The limits (bytes) of an answer: `several` for a page of several items, `one` for a single item. Many pages are read concurrently. */
const maxBytes = { several: 4 * 1024 * 1024, one: 8 * 1024 * 1024 }

/** The parameters of a query, by name. */
export type Query = Readonly<Record<string, string | number>>

/** One page of a list. */
export interface ListPage {
  readonly items: readonly unknown[]
  /** The first bytes of each item that is too large to be read. */
  readonly too_big: readonly string[]
  /** The server's count of all items in the list; null if the server sent none. */
  readonly total: number | null
  /**
   * True if a header names a next page, false if a header says that this page is the last one, null if no header says anything about
   * further pages.
   */
  readonly more: boolean | null
  /** The server's clock (ms) when it sent the page; null if the server did not send it. */
  readonly date: number | null
}

interface PageRequest {
  readonly limit: number
  readonly page: number
  /** False if the headers of the list do not count its items. */
  readonly counted?: boolean | undefined
}

/** Returns a page of at most `limit` items. Pages that are too large are read one at a time in the whole process, to bound the memory. */
export async function readPage(api: Api, path: string, query: Query, request: PageRequest): Promise<ListPage> {
  const whole = await attempt(api, path, query, request)
  if (typeof whole !== 'string') return whole
  const { limit } = request
  return api.runExclusive(async () => {
    const size = limit === pageSize ? await largestPage(api) : limit
    return size === limit ? split(api, path, query, request) : shrink(api, path, query, { ...request, limit: size })
  })
}

async function shrink(api: Api, path: string, query: Query, request: PageRequest): Promise<ListPage> {
  const whole = await attempt(api, path, query, request)
  if (typeof whole !== 'string') return whole
  if (request.limit > 1) return split(api, path, query, request)
  return { items: [], too_big: [whole], total: null, more: null, date: null }
}

/** Reads a page as several smaller pages of equal size, which together have the same items. */
async function split(api: Api, path: string, query: Query, { limit, page, counted }: PageRequest): Promise<ListPage> {
  const parts = smallestFactor(limit)
  const items: unknown[] = []
  const too_big: string[] = []
  let [total, date, more]: [number | null, number | null, boolean | null] = [null, null, null]
  for (let part = 0; part < parts && more !== false; part++) {
    const read = await shrink(api, path, query, { limit: limit / parts, page: (page - 1) * parts + part + 1, counted })
    items.push(...read.items)
    too_big.push(...read.too_big)
    total = read.total ?? total
    date ??= read.date
    more = read.items.length + read.too_big.length === 0 ? false : read.more
  }
  return { items, too_big, total, more, date }
}

/** Returns the page, or the first bytes of the answer if the answer is too large. */
async function attempt(api: Api, path: string, query: Query, { limit, page, counted = true }: PageRequest): Promise<ListPage | string> {
  try {
    const answer = await api.get(path, { ...query, [api.page_size]: limit, page }, limit === 1 ? maxBytes.one : maxBytes.several)
    const { date } = answer
    if (!counted) return { items: arrayOf(answer.json), too_big: [], total: null, more: null, date }
    const { total } = answer
    // A server that sends a count need not send a `Link` header.
    const more = total === null || answer.more === true ? answer.more : limit * page < total
    return { items: arrayOf(answer.json), too_big: [], total, more, date }
  } catch (thrown) {
    const firstBytes = truncatedBodyOf(thrown)
    if (firstBytes === null) throw thrown
    return firstBytes
  }
}

/**
 * Returns the maximum number of items that the server puts on a page. A Gitea may be configured to return fewer items, which moves the page
 * boundaries. Other forges do not have this endpoint.
 */
export async function largestPage(api: Api): Promise<number> {
  const answer = await nullOnCode('forge_not_found', api.get('/settings/api'))
  const most = Number(membersOf(answer?.json)['max_response_items'])
  return most >= 1 ? Math.min(pageSize, Math.floor(most)) : pageSize
}

function smallestFactor(size: number): number {
  for (let factor = 2; factor * factor <= size; factor++) if (size % factor === 0) return factor
  return size
}

/** Returns the first bytes of an answer that was too large; null for every other error. */
export function truncatedBodyOf(thrown: unknown): string | null {
  return thrown instanceof BurnError && thrown.code === 'forge_too_big' ? String(thrown.cause ?? '') : null
}

/**
 * Returns the number of a truncated item; null if it is not among the first bytes. The number must precede title and body, because a person
 * could write a false number there.
 */
export function numberIn(beginning: string): number | null {
  const found = /"(number|title|body)":\s*(\d{1,15})?/.exec(beginning)
  return found?.[1] === 'number' && found[2] !== undefined ? Number(found[2]) : null
}
