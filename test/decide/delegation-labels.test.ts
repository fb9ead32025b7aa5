/** Compares the scores with the labels of real issues. docs/how-to/delegation.md has the agents and states the figures. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Issue } from '../../src/core/nouns.ts'
import { completeDelegation } from '../../src/spec/complete-delegation.ts'
import { delegation as schema } from '../../src/spec/delegation.ts'
import { scorer } from '../../src/decide/delegation-score.ts'

type Text = Pick<Issue, 'title' | 'body' | 'labels'>

const corpus = new URL('../../../shared/data/issues.jsonl', import.meta.url)
const page = readFileSync(new URL('../../docs/how-to/delegation.md', import.meta.url), 'utf8')
const [, example = ''] = /```json\n("delegation": [^]*?)```/.exec(page) ?? []
const written = schema.parse((JSON.parse(`{${example}}`) as { readonly delegation: unknown }).delegation)
const policy = completeDelegation({ delegation: written }, [], String)!
const score = scorer(policy.agents)

/** Returns the agent with the highest score; `none` if it is below the threshold. */
function best(issue: Text): string {
  const scores = score(issue).map(({ points }) => points)
  const most = Math.max(...scores)
  return most < policy.threshold ? 'none' : (policy.agents[scores.indexOf(most)]?.name ?? 'none')
}

/** Returns the first agent of whom a keyword occurs in a text. */
function first(text: string): string {
  const lower = text.toLowerCase()
  return policy.agents.find(({ keywords }) => [...keywords.keys()].some((word) => lower.includes(word)))?.name ?? 'none'
}

test('delegation: a deployment goes to the agent with deploy and server', () => {
  const issue = { title: 'deploy new server config', body: '', labels: [] }
  assert.deepEqual([best(issue), first(issue.title)], ['ezra', 'claw-code'])
})

test(
  'delegation: the page states how often scores agree with labels',
  { skip: existsSync(corpus) ? false : 'there are no real issues at ../shared/data/issues.jsonl' },
  () => {
    const lines = readFileSync(corpus, 'utf8').trimEnd().split('\n')
    const issues = new Map(
      lines.map((line) => JSON.parse(line) as Text & { readonly number: number }).map((issue) => [issue.number, issue]),
    )
    const file = readFileSync(new URL('delegation-labels.json', import.meta.url), 'utf8')
    const { labels } = JSON.parse(file) as { readonly labels: readonly (readonly [number, string, string])[] }
    const agreements = (choose: (issue: Text) => string) =>
      [0, 1].map((half) => labels.filter(([number, agent], index) => index % 2 === half && choose(issues.get(number)!) === agent).length)
    const stated = page.matchAll(/^\| (?:scores|first match)[^|]*\| (\d+) \| (\d+) \|$/gm)
    assert.deepEqual(
      [agreements(best), agreements(({ title, body }) => first(`${title} ${body}`)), agreements(({ title }) => first(title))],
      [...stated].map(([, tuning, heldOut]) => [Number(tuning), Number(heldOut)]),
    )
  },
)
