/** Reads the blockers of an issue of a folder forge, from its list `depends_on`. */
import { join } from 'node:path'
import type { Blocker } from '../core/change-state.ts'
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { FolderPaths } from './folder-paths.ts'
import { BurnError } from '../core/errors.ts'
import { readPlainFile } from './files.ts'
import { readIssueFile } from './folder-objects.ts'
import { lineOf, listOf, malformedAt, parseDocument } from './front-matter.ts'
import { numberOf, splitIssue, splitRepo } from './refs.ts'

/** Returns the issues that block an issue. Throws BurnError `forge_not_found` if there is no such issue, and `forge_malformed`. */
export async function readBlockers(paths: FolderPaths, ref: IssueRef): Promise<readonly Blocker[]> {
  const { repo, number } = splitIssue(ref)
  const path = join(await paths.folder('issues', repo), `${number}.md`)
  const file = await readPlainFile(path)
  if (file === null) throw new BurnError('forge_not_found', `there is no ${ref}`, 'check whether somebody deleted the issue')
  const document = parseDocument(path, file.text)
  const refs = listOf(document, 'depends_on').map((text) => {
    const blocker = refIn(repo, text)
    if (blocker !== null) return blocker
    throw malformedAt(path, lineOf(document, 'depends_on'), `${JSON.stringify(text)} is not an issue like 7, docs#7 or local/docs#7`)
  })
  return Promise.all([...new Set(refs)].map((blocker) => readBlocker(paths, blocker)))
}

/** Returns the reference for `7`, `#7`, `docs#7` or `local/docs#7`; null for every other text. */
function refIn(repo: RepoRef, text: string): IssueRef | null {
  const [, name = '', digits = ''] = /^(?:([\w.-]+(?:\/[\w.-]+)?)?#)?(\d+)$/.exec(text) ?? []
  if (numberOf(digits) === null) return null
  if (name === '') return `${repo}#${digits}`
  return `${name.includes('/') ? name : `${splitRepo(repo).owner}/${name}`}#${digits}`
}

/** An issue without a readable file is in the state `unknown`, because somebody may write the file later. */
async function readBlocker(paths: FolderPaths, ref: IssueRef): Promise<Blocker> {
  const unknown = { ref, title: '', state: 'unknown', url: null } as const
  try {
    const { repo, number } = splitIssue(ref)
    const path = join(await paths.folder('issues', repo), `${number}.md`)
    const file = await readPlainFile(path)
    if (file === null) return unknown
    const { title, state, url } = readIssueFile({ repo, number }, path, file, 0)
    return { ref, title, state, url }
  } catch (thrown) {
    if (thrown instanceof BurnError && ['forge_malformed', 'forge_not_found', 'forge_ref'].includes(thrown.code)) return unknown
    throw thrown
  }
}
