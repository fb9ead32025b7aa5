/** Whole lists from an API that gives them by pages. */
import type { Api } from './api.ts'
import { BurnError } from '../core/errors.ts'
import { arrayOf } from './gitea-objects.ts'

/** The most that Gitea and Forgejo give unless they are configured otherwise. */
export const pageSize = 50
export const mostPages = 2_000
const mostReadings = 3

type Query = Readonly<Record<string, string | number>>

/**
 * Every item, each once by its key. The list may move while its pages are read, and hide an item that slips onto a page read before:
 * where fewer came than the server counts, it is read again. `date` is the server's clock at the first page.
 */
export async function listAll(
  api: Api,
  path: string,
  query: Query,
  keyOf: (item: unknown) => unknown,
): Promise<{ readonly items: readonly unknown[]; readonly date: number | null }> {
  const found = new Map<unknown, unknown>()
  let date: number | null = null
  for (let readings = 1; readings <= mostReadings; readings++) {
    const reading = await readPages(api, path, query)
    date ??= reading.date
    reading.items.forEach((item, index) => found.set(keyOf(item) ?? `${readings}.${index}`, item))
    if (found.size >= (reading.total ?? 0)) break
  }
  return { items: [...found.values()], date }
}

interface Pages {
  readonly items: readonly unknown[]
  /** How many there are by the server's last count. */
  readonly total: number | null
  readonly date: number | null
}

/** The first page says how many there are; then all others are read at once. Without a count they are read one by one. */
async function readPages(api: Api, path: string, query: Query): Promise<Pages> {
  const page = (number: number) => api.get(path, { ...query, limit: pageSize, page: number })
  const first = await page(1)
  const items = [...arrayOf(first.json)]
  const size = items.length
  if (first.total !== null && size > 0) {
    const pages = Math.ceil(first.total / size)
    if (pages > mostPages) throw tooMany(path)
    const others = await Promise.all(Array.from({ length: pages - 1 }, (_, index) => page(index + 2)))
    const total = others.at(-1)?.total ?? first.total
    return { items: [...items, ...others.flatMap(({ json }) => arrayOf(json))], total, date: first.date }
  }
  let { more } = first
  for (let number = 2; more; number++) {
    if (number > mostPages) throw tooMany(path)
    const answer = await page(number)
    items.push(...arrayOf(answer.json))
    more = answer.more && arrayOf(answer.json).length > 0
  }
  return { items, total: null, date: first.date }
}

export function tooMany(path: string): BurnError {
  return new BurnError('forge_too_big', `${path} has more than ${mostPages} pages`, 'is that the repo you mean?')
}
