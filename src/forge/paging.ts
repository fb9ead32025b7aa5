/** Whole lists from an API that gives them by pages. */
import type { Api } from './api.ts'
import { BurnError } from '../core/errors.ts'
import { type ListPage, pageSize, type Query, readPage } from './pages.ts'

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
