/** Calls that come while one is under way are made together by the next: one round trip to the ledger, and one commit, for many machines. */

interface Call<Item, Answer> {
  readonly items: readonly Item[]
  readonly answer: (all: ReadonlyMap<string, Answer>) => void
  readonly fail: (thrown: unknown) => void
}

/** What each caller gets, by id, is what was answered to all that were asked together; where that fails, each of them fails. */
export function together<Item, Answer extends { readonly id: string }>(
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
