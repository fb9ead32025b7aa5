/** Searches the files of a workspace's commits for texts, such as secrets. */
import type { Workspace } from './places.ts'
import { decodeUtf8, encodeUtf8, gitFailure, runGit, type Git } from './run.ts'

/** Returns those of the texts that files of the base commit contain. A text must not have line ends. Throws BurnError `git_*`. */
export async function textsInBase(git: Git, workspace: Workspace, texts: readonly string[]): Promise<ReadonlySet<string>> {
  return new Set((await grep(git, workspace, ['-h', '-o', workspace.base_commit], texts)).split('\n'))
}

/** Returns the paths of the files in a commit of the workspace that contain one of the texts. Throws BurnError `git_*`. */
export async function pathsWith(git: Git, workspace: Workspace, tip: string, texts: readonly string[]): Promise<string[]> {
  const found = (await grep(git, workspace, ['-l', '-z', '-a', tip], texts)).split('\0')
  return found.filter((name) => name !== '').map((name) => name.slice(tip.length + 1))
}

async function grep(git: Git, { git_dir }: Workspace, args: readonly string[], texts: readonly string[]): Promise<string> {
  if (texts.length === 0) return ''
  const all = ['grep', '--fixed-strings', '-f', '-', ...args]
  const result = await runGit(git, all, { at: { git_dir }, input: texts.map((text) => `${encodeUtf8(text)}\n`).join('') })
  // The exit code is 1 if no file has one of the texts.
  if (result.code !== 0 && result.code !== 1) throw gitFailure(all, result)
  return decodeUtf8(result.stdout)
}
