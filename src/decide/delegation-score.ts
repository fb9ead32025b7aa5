/** Scores how well an issue suits each agent: by the words of its title and text, its labels, and the paths that it mentions. */
import type { DelegationAgent, Match, MatchPlace, Weights } from '../core/delegation-settings.ts'
import type { Issue } from '../core/nouns.ts'
import { globMatcher } from '../core/globs.ts'

/** The score of an issue for one agent, with the matches that it consists of, those with the most points first. */
export interface Scored {
  readonly points: number
  readonly matches: readonly Match[]
}

type IssueText = Pick<Issue, 'title' | 'body' | 'labels'>

/** Factors of the weights. An issue says in its title what to do. Its text mentions much else, too. */
const factors: Readonly<Record<MatchPlace, number>> = { title: 3, label: 3, path: 1, text: 1 }

/** The parts of an issue (characters) that burn reads, so that a hostile text costs little time. */
const maxLength = { title: 500, body: 6_000 }

/** Returns a function that scores an issue for each of these agents, in their order. Each keyword, label and glob counts once. */
export function scorer(agents: readonly DelegationAgent[]): (issue: IssueText) => readonly Scored[] {
  const rules = agents.map(({ keywords, labels, paths }) => ({
    // A keyword without letters and digits would occur in every empty text.
    keywords: weighted(keywords, stemsOf).filter(({ key }) => key.trim() !== ''),
    labels: weighted(labels, (label) => label.toLowerCase()),
    paths: weighted(paths, (glob) => globMatcher([glob])),
  }))
  return (issue) => {
    const text = wordsIn(issue)
    return rules.map(({ keywords, labels, paths }) => {
      const found = [
        ...keywords.flatMap(({ key, ...each }) => {
          const place = text.title.includes(key) ? 'title' : text.body.includes(key) ? 'text' : null
          return place === null ? [] : [matchOf(each, place)]
        }),
        ...labels.flatMap(({ key, ...each }) => (text.labels.has(key) ? [matchOf(each, 'label')] : [])),
        ...paths.flatMap(({ key: matches, ...each }) => (text.paths.some(matches) ? [matchOf(each, 'path')] : [])),
      ]
      return { points: found.reduce((sum, { points }) => sum + points, 0), matches: found.toSorted((a, b) => b.points - a.points) }
    })
  }
}

interface Weighted {
  readonly what: string
  readonly weight: number
}

function weighted<K>(weights: Weights, keyOf: (text: string) => K): (Weighted & { readonly key: K })[] {
  return [...weights].map(([what, weight]) => ({ what, weight, key: keyOf(what) }))
}

const matchOf = ({ what, weight }: Weighted, place: MatchPlace): Match => ({ what, place, points: weight * factors[place] })

function wordsIn({ title, body, labels }: IssueText) {
  const text = body.slice(0, maxLength.body)
  return {
    title: stemsOf(title.slice(0, maxLength.title)),
    body: stemsOf(text),
    labels: new Set(labels.map((label) => label.toLowerCase())),
    paths: [...new Set(text.match(/[\w.~-]{1,100}(?:\/[\w.-]{1,100})+|\b[\w-]{1,100}\.[a-z]{1,5}\b/g))],
  }
}

/**
 * Returns the stems of the words in a text, each with a space before and after it. So `includes` finds a phrase only as whole words. A name
 * in camel case is several words.
 */
function stemsOf(text: string): string {
  const words = text.replace(/(?<=[\p{Ll}\p{N}])(?=\p{Lu})/gu, ' ').toLowerCase()
  return ` ${(words.match(/[\p{L}\p{N}]+/gu) ?? []).map(stemOf).join(' ')} `
}

/** Returns an English word without its most common endings: `deploys`, `deployed`, `deploying` and `deployment` become `deploy`. */
function stemOf(word: string): string {
  if (word.length < 5) return word.replace(/(?<=[a-z]{2}[^s])s$/, '')
  return word
    .replace(/ies$/, 'y')
    .replace(/(?<=[^s])s$/, '')
    .replace(/(?<=.{5})ment$|(?<=.{3})(?:ing|ed)$/, '')
    .replace(/([bdgmnprt])\1$/, '$1')
    .replace(/e$/, '')
}
