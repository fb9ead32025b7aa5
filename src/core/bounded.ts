/** Maps over items with at most `limit` under way at once; results in order. Waits for all, then throws the first error. */
export async function mapBounded<A, B>(items: readonly A[], limit: number, work: (item: A, index: number) => Promise<B>): Promise<B[]> {
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
