/** Lists from an API that gives them by pages. A page that is too big to be read is read again in smaller pages, down to single items. */
import { nullOnCode, type Api } from './api.ts'
import { BurnError } from '../core/errors.ts'
import { membersOf } from '../core/json.ts'
import { arrayOf } from './gitea-objects.ts'

export const mostPages = 2_000
const mostReadings = 3

/** What is kept of an item, and by what it is told from others. */
export interface Kept<T> {
  readonly key: unknown
  readonly value: T
}

export interface Listed<T> {
  readonly values: readonly T[]
  /** The beginning of each item that is too big to be read. */
  readonly too_big: readonly string[]
  /** The server's clock at the first page. */
  readonly date: number | null
}

/**
 * Every item, each once by its key. The list may move while its pages are read, and hide an item that slips onto a page read before:
 * where fewer came than the server counts, it is read again. Only what `keep` returns is held in memory.
 */
export async function listAll<T>(api: Api, path: string, query: Query, keep: (item: unknown) => Kept<T>): Promise<Listed<T>> {
  const found = new Map<unknown, T>()
  let too_big: readonly string[] = []
  let date: number | null = null
  for (let readings = 1; readings <= mostReadings; readings++) {
    const reading = await readPages(api, path, query, keep)
    date ??= reading.date
    too_big = reading.too_big
    reading.kept.forEach(({ key, value }, index) => found.set(key ?? `${readings}.${index}`, value))
    if (found.size + too_big.length >= (reading.total ?? 0)) break
  }
  return { values: [...found.values()], too_big, date }
}

interface Pages<T> {
  readonly kept: readonly Kept<T>[]
  readonly too_big: readonly string[]
  /** How many there are by the server's last count. */
  readonly total: number | null
  readonly date: number | null
}

/** The first page says how many there are; then all others are read at once. Without a count they are read one by one. */
async function readPages<T>(api: Api, path: string, query: Query, keep: (item: unknown) => Kept<T>): Promise<Pages<T>> {
  const kept: Kept<T>[] = []
  const too_big: string[] = []
  const read = async (page: number, limit: number) => {
    const answer = await readPage(api, path, query, { limit, page })
    return { ...answer, kept: answer.items.map(keep) }
  }
  const take = (page: ListPage & { readonly kept: readonly Kept<T>[] }) => {
    for (const each of page.kept) kept.push(each)
    too_big.push(...page.too_big)
  }
  const first = await read(1, pageSize)
  take(first)
  const size = first.items.length + first.too_big.length
  if (first.total !== null && size > 0) {
    const pages = Math.ceil(first.total / size)
    if (pages > mostPages) throw tooMany(path)
    const limit = pages > 1 ? Math.min(pageSize, size) : pageSize
    const others = await Promise.all(Array.from({ length: pages - 1 }, (_, index) => read(index + 2, limit)))
    for (const page of others) take(page)
    return { kept, too_big, total: others.at(-1)?.total ?? first.total, date: first.date }
  }
  let { more } = first
  for (let number = 2; more; number++) {
    if (number > mostPages) throw tooMany(path)
    const answer = await read(number, pageSize)
    take(answer)
    more = answer.more && answer.items.length + answer.too_big.length > 0
  }
  return { kept, too_big, total: null, date: first.date }
}

export function tooMany(path: string): BurnError {
  return new BurnError('forge_too_big', `${path} has more than ${mostPages} pages`, 'is that the repo you mean?')
}

/** How many items a page has. Gitea and Forgejo give no more unless they are configured otherwise. */
export const pageSize = 50
/** Bytes of a page of several items, of which many are read at once, and of an item alone. */
const mostBytes = { several: 4 * 1024 * 1024, one: 8 * 1024 * 1024 }

export type Query = Readonly<Record<string, string | number>>

export interface ListPage {
  readonly items: readonly unknown[]
  /** The beginning of each item that is too big to be read. */
  readonly too_big: readonly string[]
  /** How many the whole list has, by the server's count; null where it did not say. */
  readonly total: number | null
  /** There is a next page. */
  readonly more: boolean
  /** The server's clock, milliseconds; null where it did not say. */
  readonly date: number | null
}

interface Place {
  readonly limit: number
  readonly page: number
}

/** Returns a page of at most `limit` items. Pages that are too big are read one after the other, whoever asks for them: that bounds what is held in memory. */
export async function readPage(api: Api, path: string, query: Query, { limit, page }: Place): Promise<ListPage> {
  const whole = await attempt(api, path, query, { limit, page })
  if (typeof whole !== 'string') return whole
  return api.runExclusive(async () => {
    const size = limit === pageSize ? await largestPage(api) : limit
    return size === limit ? split(api, path, query, { limit, page }) : shrink(api, path, query, { limit: size, page })
  })
}

async function shrink(api: Api, path: string, query: Query, place: Place): Promise<ListPage> {
  const whole = await attempt(api, path, query, place)
  if (typeof whole !== 'string') return whole
  if (place.limit > 1) return split(api, path, query, place)
  return { items: [], too_big: [whole], total: null, more: true, date: null }
}

/** In parts that begin where pages of their size begin. */
async function split(api: Api, path: string, query: Query, { limit, page }: Place): Promise<ListPage> {
  const parts = smallestFactor(limit)
  const items: unknown[] = []
  const too_big: string[] = []
  let [total, date, more]: [number | null, number | null, boolean] = [null, null, true]
  for (let part = 0; part < parts && more; part++) {
    const read = await shrink(api, path, query, { limit: limit / parts, page: (page - 1) * parts + part + 1 })
    items.push(...read.items)
    too_big.push(...read.too_big)
    total = read.total ?? total
    date ??= read.date
    more = read.more
  }
  return { items, too_big, total, more, date }
}

/** The page; its beginning where it is too big. */
async function attempt(api: Api, path: string, query: Query, { limit, page }: Place): Promise<ListPage | string> {
  try {
    const answer = await api.get(path, { ...query, [api.page_size]: limit, page }, limit === 1 ? mostBytes.one : mostBytes.several)
    // A server that counts need not say in words that there is more.
    const more = answer.more || limit * page < (answer.total ?? 0)
    return { items: arrayOf(answer.json), too_big: [], total: answer.total, more, date: answer.date }
  } catch (thrown) {
    const beginning = truncatedBodyOf(thrown)
    if (beginning === null) throw thrown
    return beginning
  }
}

/** A Gitea may be configured to give fewer items than it is asked for: where its pages begin depends on that. Other forges do not have the path. */
async function largestPage(api: Api): Promise<number> {
  const answer = await nullOnCode('forge_not_found', api.get('/settings/api'))
  const most = Number(membersOf(answer?.json)['max_response_items'])
  return most >= 1 ? Math.min(pageSize, Math.floor(most)) : pageSize
}

function smallestFactor(size: number): number {
  for (let factor = 2; factor * factor <= size; factor++) if (size % factor === 0) return factor
  return size
}

/** The beginning of an answer that was too big; null if the error is another. */
export function truncatedBodyOf(thrown: unknown): string | null {
  return thrown instanceof BurnError && thrown.code === 'forge_too_big' ? String(thrown.cause ?? '') : null
}

/** The number of an item by its beginning: `number` stands before all that a person wrote. Null if it cannot be told. */
export function numberIn(beginning: string): number | null {
  const found = /"(number|title|body)":\s*(\d{1,15})?/.exec(beginning)
  return found?.[1] === 'number' && found[2] !== undefined ? Number(found[2]) : null
}
