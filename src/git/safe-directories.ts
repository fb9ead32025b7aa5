/**
 * Lets burn's git use the repositories of other users that the user of burn trusts. burn's git reads no configuration of the user, because
 * it may name programs.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { runGit, type Git } from './run.ts'

/**
 * Copies the settings `safe.directory` of the user and of the machine to a file in `dir`, and returns git with this file as its
 * configuration. Returns the same git if there are no such settings. Throws BurnError `git_missing`.
 */
export async function withSafeDirectories(git: Git, dir: string): Promise<Git> {
  const { HOME: home = '', XDG_CONFIG_HOME: xdg = join(home, '.config'), GIT_CONFIG_GLOBAL: named } = git.env
  const files = ['/etc/gitconfig', ...(named === undefined ? [join(xdg, 'git', 'config'), join(home, '.gitconfig')] : [named])]
  const trusted = (await Promise.all(files.map((file) => safeDirectoriesIn(git, file)))).flat()
  if (trusted.length === 0) return git
  const lines = trusted.map((each) => `\tdirectory = "${each.replaceAll(/["\\]/g, '\\$&')}"\n`)
  const path = join(dir, 'safe-directories')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await writeFile(`${path}.${process.pid}`, `[safe]\n${lines.join('')}`, { mode: 0o600 })
  await rename(`${path}.${process.pid}`, path)
  return { ...git, config: path }
}

async function safeDirectoriesIn(git: Git, file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(ifCode([...noSuchPath, 'EACCES', 'EISDIR'], ''))
  // Most files have no such settings. This check saves a git process.
  if (!/\[\s*(?:safe|include)/i.test(text)) return []
  const args = ['config', '--file', file, '--includes', '-z', '--get-all', 'safe.directory']
  const { code, stdout } = await runGit(git, args, { at: null })
  return code === 0 ? stdout.split('\0').filter((each) => each !== '' && !/[\r\n]/.test(each)) : []
}
