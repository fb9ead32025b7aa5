/**
 * Checks out the submodules of a new workspace, before any command runs. burn reads only the commit for them. Each submodule gets a
 * repository inside the repository for commands, as `git submodule update --init` would create it.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, realpath, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { CommandRepo } from './command-repo.ts'
import type { Workspace } from './places.ts'
import { BurnError, ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import { quoted, writeRepo } from './command-repo.ts'
import { fetchCommit, openMirror } from './mirror.ts'
import { decodeUtf8, gitOutput, runGit, type Git } from './run.ts'
import { submoduleUrl } from './submodule-url.ts'

/** Limits for submodules inside submodules, and for all submodules of a workspace. */
const maxDepth = 5
const maxSubmodules = 100

/** The submodules of a workspace. */
export interface Submodules {
  /** The paths that commands must be able to read. */
  readonly read_only: readonly string[]
  /** For people: one line for each submodule that burn could not check out. */
  readonly problems: readonly string[]
}

/** A checked-out repository that may have submodules. */
interface Parent {
  readonly git_dir: string
  /** The folder with the files. */
  readonly path: string
  readonly commit: string
  readonly clone_url: string
  readonly depth: number
}

interface Gitlink {
  readonly name: string
  readonly path: string
  readonly url: string
  readonly oid: string
}

/**
 * Checks out the submodules of a workspace. At the forge, git logs in as burn; other servers get no login. Throws BurnError `git_*` if git
 * was stopped, the disk is full, or the server of the repo does not answer.
 */
export async function checkOutSubmodules(git: Git, workspace: Workspace, { git_dir }: CommandRepo): Promise<Submodules> {
  const { mirror, path, base_commit } = workspace
  const read_only = new Set<string>()
  const problems: string[] = []
  const parents: Parent[] = [{ git_dir, path: await realpath(path), commit: base_commit, clone_url: mirror.clone_url, depth: 0 }]
  let count = 0
  for (let parent = parents.shift(); parent !== undefined; parent = parents.shift()) {
    for (const link of await gitlinksOf(git, parent)) {
      try {
        if (parent.depth >= maxDepth || (count += 1) > maxSubmodules) throw refused(link, 'there are too many submodules')
        const { made, objects } = await checkOut(git, { parent, link, dir: mirror.dir })
        read_only.add(objects)
        parents.push(made)
      } catch (thrown) {
        if (!(thrown instanceof BurnError) || ['git_stopped', 'git_disk_full', 'git_missing'].includes(thrown.code)) throw thrown
        const isOwnServer = submoduleUrl(link.url, parent.clone_url, git.login?.forge_url ?? null)?.same_server === true
        if (isOwnServer && thrown.code === 'git_unreachable') throw thrown
        problems.push(`burn could not check out the submodule ${link.path} (${link.url}): ${messageOf(thrown)}`)
      }
    }
  }
  return { read_only: [...read_only], problems }
}

/** Returns the submodules of a commit that `.gitmodules` describes. */
async function gitlinksOf(git: Git, { git_dir, path, commit }: Parent): Promise<Gitlink[]> {
  if (!existsSync(join(path, '.gitmodules'))) return []
  const at = { git_dir }
  const config = await runGit(git, ['config', `--blob=${commit}:.gitmodules`, '-z', '--list'], { at })
  if (config.code !== 0) return []
  const modules = new Map<string, Map<string, string>>()
  for (const line of decodeUtf8(config.stdout).split('\0')) {
    const [, name, key, value] = /^submodule\.(.+)\.([a-z]+)\n(.*)$/s.exec(line) ?? []
    if (name === undefined || key === undefined || value === undefined) continue
    modules.set(name, (modules.get(name) ?? new Map<string, string>()).set(key, value))
  }
  const found: Gitlink[] = []
  for (const [name, module] of modules) {
    const [folder, url] = [module.get('path'), module.get('url')]
    if (folder === undefined || url === undefined || module.get('update') === 'none') continue
    const listed = await gitOutput(git, ['--literal-pathspecs', 'ls-tree', '-z', commit, '--', folder], { at })
    const oid = /^160000 commit ([0-9a-f]+)\t/.exec(listed)?.[1]
    if (oid !== undefined) found.push({ name, path: folder, url, oid })
  }
  return found
}

async function checkOut(
  git: Git,
  { parent, link, dir }: { readonly parent: Parent; readonly link: Gitlink; readonly dir: string },
): Promise<{ readonly made: Parent; readonly objects: string }> {
  const source = submoduleUrl(link.url, parent.clone_url, git.login?.forge_url ?? null)
  if (source === null) throw refused(link, 'burn does not fetch from such a URL')
  // The name becomes a path and a section of a configuration file.
  if (!/^(?!.*(?:^|\/)\.)[\w./ -]{1,200}$/.test(link.name)) throw refused(link, 'its name is not valid')
  const path = join(parent.path, link.path)
  if ((await realpath(path).catch(ifCode([...noSuchPath, 'ELOOP'], null))) !== path)
    throw refused(link, 'its folder is missing, or is behind a symbolic link')
  // Without a HOME, git finds no login for other servers.
  const fetcher = source.same_server ? git : { ...git, env: { ...git.env, HOME: '/dev/null' } }
  const hash = createHash('sha256').update(source.url).digest('hex').slice(0, 12)
  const repo = `submodules/${basename(link.path).replaceAll(/[^\w-]/g, '-')}-${hash}`
  const mirror = await openMirror(fetcher, { dir: join(dir, 'submodules'), repo, clone_url: source.url })
  await fetchCommit(fetcher, mirror, link.oid)
  const git_dir = join(parent.git_dir, 'modules', link.name)
  await mkdir(git_dir, { recursive: true })
  await writeRepo(git_dir, { head: link.oid, refs: '', mirror, work_tree: path })
  await gitOutput(git, ['read-tree', '-u', '--reset', link.oid], { at: { git_dir, work_tree: path } })
  await writeFile(join(path, '.git'), `gitdir: ${git_dir}\n`)
  await appendFile(join(parent.git_dir, 'config'), `[submodule "${link.name}"]\n\tactive = true\n\turl = ${quoted(source.url)}\n`, 'latin1')
  return { made: { git_dir, path, commit: link.oid, clone_url: source.url, depth: parent.depth + 1 }, objects: mirror.path }
}

function refused({ path }: Gitlink, why: string): BurnError {
  return new BurnError('git_refused', `submodule ${path}: ${why}`, 'fetch the submodule in the setup command of the repo')
}
