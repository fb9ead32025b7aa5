/** The calls about the labels of a repo and of an issue, and about milestones. */
import type { ForgeState, RepoRow } from './state.ts'
import { mayWrite, nameOf, refuse, reply, repoOf, textIn, type Call, type Reply } from './calls.ts'
import { labelJson, milestoneOf } from './json.ts'

const labelsOf = (repo: RepoRow) => [...new Set([...repo.labels, ...[...repo.items.values()].flatMap(({ labels }) => labels)])]

export function getLabels(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const all = labelsOf(repoOf(state, call, words)).map(labelJson)
  return reply(200, all, all.length)
}

export function getMilestones(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const all = [...repoOf(state, call, words).items.values()].flatMap((row) => milestoneOf(row) ?? [])
  return reply(200, all, all.length)
}

export function postLabel(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  mayWrite(repo, call, false)
  const name = textIn(call.body, 'name') ?? ''
  if (name === '' || !/^#[0-9a-f]{6}$/.test(textIn(call.body, 'color') ?? '')) return refuse(422, 'name and color are required', call.url)
  repo.labels.add(name)
  return reply(201, labelJson(name))
}

/** Adds labels to an issue. Gitea older than 1.22 knows labels by their ids alone. */
export function postLabels(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const row = repo.items.get(Number(words[2]))
  if (row === undefined) return refuse(404, 'not found', call.url)
  mayWrite(repo, call, false)
  const ids: unknown = (call.body as { readonly labels?: unknown }).labels
  const added = labelsOf(repo).filter((name) => Array.isArray(ids) && ids.includes(labelJson(name).id))
  const { labels } = state.edit(nameOf(repo), row.number, { labels: [...new Set([...row.labels, ...added])] })
  return reply(200, labels.map(labelJson))
}
