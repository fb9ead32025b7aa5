/** Adds labels to issues of Gitea and Forgejo. */
import type { IssueRef } from '../core/nouns.ts'
import type { Api } from './api.ts'
import { BurnError } from '../core/errors.ts'
import { membersOf } from '../core/json.ts'
import { issuePath } from './gitea-issues.ts'
import { listAll } from './paging.ts'
import { repoPath, splitIssue } from './refs.ts'

/** The colour of labels that burn creates. */
const color = '#d93f0b'

/** Adds a label to an issue. Creates the label if the repo has none with this name. Throws BurnError `forge_*`. */
export async function addLabel(api: Api, ref: IssueRef, name: string): Promise<void> {
  const labels = `${repoPath(splitIssue(ref).repo)}/labels`
  const { values } = await listAll(api, labels, {}, (item) => ({ key: membersOf(item)['id'], value: membersOf(item) }))
  const known = values.find((label) => label['name'] === name) ?? membersOf((await api.post(labels, { name, color })).json)
  if (typeof known['id'] !== 'number')
    throw new BurnError('forge_malformed', `the forge did not answer with the label ${name}`, `create the label ${name} in the repo`)
  await api.post(`${issuePath(ref)}/labels`, { labels: [known['id']] })
}
