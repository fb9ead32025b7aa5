/** Reads the checks of a folder forge: `checks/<repo>/<commit>/<name>.md`, each with an optional log `<name>.log` beside it. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Check, LogTail, RerunResult, Unknown } from '../core/change-state.ts'
import type { RepoRef } from '../core/nouns.ts'
import { BurnError, codeOf } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { namesIn, readPlainFile, replaceFile, unreadable, type PlainFile } from './files.ts'
import { stateIn, timeField } from './folder-objects.ts'
import type { FolderPaths } from './folder-paths.ts'
import { parseDocument, textOf, withField } from './front-matter.ts'
import { requireSha } from './refs.ts'

/** A file name without `.md` or `.log`. */
const plainName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/

/** Returns the checks of a commit, in the order of their files. A malformed file is a check in the state `unknown`. */
export async function readChecks(paths: FolderPaths, repo: RepoRef, sha: string): Promise<readonly Check[]> {
  const folder = await paths.folder('checks', repo, requireSha(sha))
  const names = ((await namesIn(folder)) ?? []).filter((name) => name.endsWith('.md')).map((name) => name.slice(0, -'.md'.length))
  const checks = names.toSorted().map(async (name): Promise<Check | null> => {
    if (!plainName.test(name)) return unusable(name, 'the file name has other characters than letters, digits, ".", "_" and "-"')
    const path = join(folder, `${name}.md`)
    try {
      const file = await readPlainFile(path)
      return file === null ? null : checkOf(path, file, { run: sha, id: name })
    } catch (thrown) {
      if (thrown instanceof BurnError && thrown.code === 'forge_malformed') return unusable(name, thrown.message)
      throw thrown
    }
  })
  return (await Promise.all(checks)).filter((check) => check !== null)
}

function unusable(name: string, why: string): Check {
  return { name, state: 'unknown', summary: oneLine(why), url: null, job: null, updated_at: 0 }
}

function checkOf(path: string, file: PlainFile, job: { readonly run: string; readonly id: string }): Check {
  const document = parseDocument(path, file.text)
  return {
    name: textOf(document, 'name') || job.id,
    state: stateIn(document, ['pending', 'passed', 'failed', 'skipped', 'cancelled']),
    summary: oneLine(document.text),
    url: textOf(document, 'url') || null,
    job: { ...job, rerunnable: textOf(document, 'rerun') === 'allowed' },
    updated_at: timeField(document, 'updated') ?? file.written_at,
  }
}

/** Returns the folder of a check's files, and the name of the files; null if the check has no valid job. */
async function placeOf(
  paths: FolderPaths,
  repo: RepoRef,
  { job }: Check,
): Promise<{ readonly folder: string; readonly name: string } | null> {
  if (job === null || !plainName.test(job.id)) return null
  return { folder: await paths.folder('checks', repo, requireSha(job.run)), name: job.id }
}

/** Returns the end of a check's log, beginning with a whole line; or the reason why there is no log. */
export async function readLogTail(paths: FolderPaths, repo: RepoRef, check: Check, max_bytes: number): Promise<LogTail | Unknown> {
  const place = await placeOf(paths, repo, check)
  if (place === null) return { unknown: 'the check has no log' }
  const path = join(place.folder, `${place.name}.log`)
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const stat = await file.stat()
    if (!stat.isFile()) return { unknown: `${place.name}.log is not a regular file` }
    const from = Math.max(0, stat.size - max_bytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(stat.size - from), 0, stat.size - from, from)
    const text = buffer.subarray(0, bytesRead).toString('utf8')
    return { text: from > 0 ? text.slice(text.indexOf('\n') + 1) : text, truncated: from > 0 }
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return { unknown: `there is no file ${place.name}.log` }
    if (['ELOOP', 'EMLINK'].includes(codeOf(thrown))) return { unknown: `${place.name}.log is a symbolic link` }
    throw unreadable(path, thrown)
  }
}

/** Asks the script that wrote a check to run it again: sets `state: pending` and `rerun: requested` in the file of the check. */
export async function rerunCheck(paths: FolderPaths, repo: RepoRef, check: Check): Promise<RerunResult> {
  const place = await placeOf(paths, repo, check)
  const path = place === null ? null : join(place.folder, `${place.name}.md`)
  const file = path === null ? null : await readPlainFile(path)
  if (path === null || file === null) return { result: 'not_possible', why: 'the check has no file' }
  if (textOf(parseDocument(path, file.text), 'rerun') !== 'allowed')
    return { result: 'not_possible', why: `${place?.name}.md has no line "rerun: allowed"` }
  const requested = withField(parseDocument(path, file.text), file.text, 'rerun', 'requested')
  await replaceFile(path, withField(parseDocument(path, requested), requested, 'state', 'pending'))
  return { result: 'started' }
}
