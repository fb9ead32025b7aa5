/** Which of its window's repos each worker calls home, and the hash that such choices are made by. */

/** A number that is always the same for a text, and says nothing about it: FNV-1a, mixed once more so that similar texts fall far apart. */
export function hashOf(text: string): number {
  let hash = 2_166_136_261
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619)
  hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_519)
  hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_917)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * Spreads workers over the repos that they share, so that each repo has workers who stay with it: as evenly as numbers allow, by name and
 * not by place. Where a neighbour comes or goes, most keep their home, since it is there that they have built up context.
 */
export function spreadHomes(workers: readonly string[], repos: readonly string[]): ReadonlyMap<string, string> {
  const room = Math.floor(workers.length / repos.length)
  let extra = workers.length % repos.length
  const homes = new Map<string, string>()
  const counts = new Map<string, number>()
  const pairs = workers.flatMap((worker) => repos.map((repo) => ({ worker, repo, rank: hashOf(`${worker} ${repo}`) })))
  for (const { worker, repo } of pairs.sort((a, b) => a.rank - b.rank)) {
    const count = counts.get(repo) ?? 0
    if (homes.has(worker) || count > room || (count === room && extra === 0)) continue
    if (count === room) extra -= 1
    homes.set(worker, repo)
    counts.set(repo, count + 1)
  }
  return homes
}
