/** Decides which of the changed paths a person must review before the push: files that the forge, git or an agent runs automatically. */
import { globMatcher } from '../core/globs.ts'
import { agentsRun } from '../core/agent-kinds.ts'

/** CI definitions of forges and services, and hooks of git, git tools and agents. The globs match in any folder. */
const runsByItself: readonly string[] = [
  '.github/workflows/**',
  '.github/actions/**',
  '.gitea/workflows/**',
  '.gitea/actions/**',
  '.forgejo/workflows/**',
  '.forgejo/actions/**',
  '*.gitlab-ci*.y*ml',
  '.gitlab/ci/**',
  '.woodpecker*',
  '.woodpecker*/**',
  '.crow.y*ml',
  '.crow/**',
  '.drone*',
  '.circleci/**',
  'Jenkinsfile*',
  '*.jenkinsfile',
  '.travis.y*ml',
  'azure-pipelines*.y*ml',
  '.azure-pipelines*/**',
  '.vsts-ci.yml',
  '.buildkite/**',
  'bitbucket-pipelines.yml',
  'appveyor.y*ml',
  '.appveyor.y*ml',
  '.cirrus.*',
  '.semaphore/**',
  '.teamcity/**',
  '.tekton/**',
  '.builds/**',
  '.build.yml',
  'buildspec*.y*ml',
  'cloudbuild*.y*ml',
  'cloudbuild*.json',
  'codefresh.yml',
  '.codefresh/**',
  '.onedev-buildspec.yml',
  '.agola/**',
  'screwdriver.yaml',
  'wercker.yml',
  '.husky/**',
  '.huskyrc*',
  '.githooks/**',
  '.git-hooks/**',
  'githooks/**',
  '.pre-commit-config.y*ml',
  '.pre-commit-hooks.y*ml',
  'lefthook*.y*ml',
  'lefthook*.toml',
  'lefthook*.json',
  '.lefthook*',
  '.lefthook*/**',
  '.overcommit.yml',
  'simple-git-hooks.*',
  '.simple-git-hooks.*',
  'captainhook*.json',
  ...agentsRun,
  '.cursor/hooks*',
  '.mcp.json',
]

/** The folders of the protected files. A link or a file with the path of such a folder is protected, too. */
const folders = [
  ...new Set(
    runsByItself.flatMap((glob) => {
      const names = glob.split('/').slice(0, -1)
      return names.map((_, depth) => names.slice(0, depth + 1).join('/'))
    }),
  ),
]

/** Returns true if a file at this path is protected, in any folder. */
export const isProtected: (path: string) => boolean = globMatcher([...runsByItself, ...folders].map((glob) => `**/${glob}`))

/**
 * Returns the protected paths among `touched`, without the paths that the spec allows. `named`: globs of the files that protected files of
 * the base commit include or link to.
 */
export function protectedAmong(touched: readonly string[], named: readonly string[], allowed: readonly string[]): string[] {
  const [isNamed, isAllowed] = [globMatcher(named), globMatcher(allowed)]
  return touched.filter((path) => (isProtected(path) || isNamed(path)) && !isAllowed(path)).toSorted()
}

/** The definition of an action in the top folder. Its program can be any file, so only its definition is protected. */
const rootAction = ['action.yml', 'action.yaml', 'Dockerfile']

/**
 * Returns globs of the repository's files that a CI definition includes: local includes, templates and actions. `path`: the path of the
 * definition.
 */
export function includedBy(path: string, text: string): string[] {
  const found = [...text.matchAll(/\buses["']?\s*:\s*["']?\.\/([^\s"'#@,{}\]]*)/g)].flatMap(([, to = '']) =>
    to === '' ? rootAction : [to, `${to}/**`],
  )
  const folder = path.split('/').slice(0, -1)
  for (const [, to = ''] of text.matchAll(/\btemplate:\s*["']?([\w./-]+\.ya?ml)(?![\w@])/g))
    found.push(to.startsWith('/') ? to.slice(1) : resolved(folder, to))
  for (const block of includeBlocks(text))
    for (const [whole, to = ''] of block.matchAll(/(?:https?:\/\/)?([\w./*-]+\.ya?ml)/g))
      if (!whole.startsWith('http')) found.push(to.replace(/^\.?\//, ''))
  return found
}

/** Returns each `include:` block: the line with the key, and the lines below that are indented more or are list items. */
function includeBlocks(text: string): string[] {
  const lines = text.split('\n')
  return lines.flatMap((line, at) => {
    const indent = /^(\s*)include:/.exec(line)?.[1]?.length
    if (indent === undefined) return []
    const end = lines.findIndex((each, n) => n > at && each.trim() !== '' && !isBelow(each, indent))
    return [lines.slice(at, end < 0 ? lines.length : end).join('\n')]
  })
}

function isBelow(line: string, indent: number): boolean {
  const own = line.length - line.trimStart().length
  return own > indent || (own === indent && line.trimStart().startsWith('-'))
}

/** Returns globs for the target of a symbolic link; empty if the target is outside the repository. */
export function linkTarget(path: string, target: string): string[] {
  if (target.startsWith('/')) return []
  const to = resolved(path.split('/').slice(0, -1), target)
  return to === '' ? ['**'] : to.startsWith('..') ? [] : [to, `${to}/**`]
}

function resolved(folder: readonly string[], target: string): string {
  const names = [...folder]
  for (const name of target.split('/')) {
    if (name === '..' && names.length > 0 && names.at(-1) !== '..') names.pop()
    else if (name !== '.' && name !== '') names.push(name)
  }
  return names.join('/')
}
