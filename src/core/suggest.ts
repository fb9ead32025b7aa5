/** Finds suggestions for mistyped words. */

/** Returns the candidate that is most similar to a mistyped word; null if even the nearest candidate differs in more than a third of the word's letters. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const lower = word.toLowerCase()
  let found: string | null = null
  let bestDistance = Math.max(1, Math.floor(lower.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(lower, candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance) [found, bestDistance] = [candidate, distance]
  }
  return found
}

/**
 * Returns the edit distance of two words. A swap of two adjacent letters counts as one edit. If the distance is at least `bound`, the
 * function may return `bound` without computing it.
 */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return bound
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (previous[column - 1] ?? 0) + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, (beforePrevious[column - 2] ?? 0) + 1)
      current.push(cost)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.length] ?? bound
}
