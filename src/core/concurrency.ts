/** Functions that limit the number of simultaneous calls, or combine them into batches. */

/**
 * Calls `work` for each item, at most `limit` calls at once, and returns the results in the order of the items. If calls fail, it waits for
 * all calls and then throws the first error.
 */
export async function mapConcurrently<A, B>(
  items: readonly A[],
  limit: number,
  work: (item: A, index: number) => Promise<B>,
): Promise<B[]> {
  const results: B[] = []
  const errors: unknown[] = []
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      try {
        results[index] = await work(items[index]!, index)
      } catch (thrown) {
        errors.push(thrown)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (errors.length > 0) throw errors[0]
  return results
}

interface Call<Item, Answer> {
  readonly items: readonly Item[]
  readonly answer: (all: ReadonlyMap<string, Answer>) => void
  readonly fail: (thrown: unknown) => void
}

/**
 * Returns a function that combines calls of `ask` into batches. While one `ask` runs, further calls wait, and the next `ask` gets the items
 * of all of them. Each caller gets the answers of its whole batch, by id. If `ask` throws, every caller of that batch gets the error.
 */
export function batchCalls<Item, Answer extends { readonly id: string }>(
  ask: (items: readonly Item[]) => Promise<readonly Answer[]>,
): (items: readonly Item[]) => Promise<ReadonlyMap<string, Answer>> {
  let waiting: Call<Item, Answer>[] = []
  let asking = false
  const askAll = async () => {
    asking = true
    while (waiting.length > 0) {
      const calls = waiting
      waiting = []
      try {
        const answers = await ask(calls.flatMap(({ items }) => items))
        const all = new Map(answers.map((each) => [each.id, each]))
        for (const { answer } of calls) answer(all)
      } catch (thrown) {
        for (const { fail } of calls) fail(thrown)
      }
    }
    asking = false
  }
  return (items) =>
    new Promise((answer, fail) => {
      waiting.push({ items, answer, fail })
      if (!asking) void askAll()
    })
}
