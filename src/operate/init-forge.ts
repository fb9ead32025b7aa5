/** Makes a folder forge with one example repo and one example issue. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Time } from '../core/nouns.ts'
import { gitOutput, type Git } from '../git/run.ts'

/** The example repo of a new folder forge. */
export const exampleRepo = { name: 'hello', base: 'main', check: 'sh check.sh', clone_url: null } as const

const lines = (...all: readonly string[]) => `${all.join('\n')}\n`

/** The files of the example repo. */
const files: Readonly<Record<string, string>> = {
  'README.md': lines('# hello', '', 'Prints a greeting: `sh hello.sh`. Test it with `sh check.sh`.'),
  'check.sh': lines(
    '# Checks the greeting.',
    'test "$(sh hello.sh)" = "Hello, world!" || { echo "hello.sh prints a wrong greeting"; exit 1; }',
  ),
  'hello.sh': lines('echo "Hello, world!"'),
}

const issue = (created: Time) =>
  lines(
    '---',
    'title: Greet a person by name',
    'state: open',
    'author: local',
    `created: ${new Date(created).toISOString()}`,
    '---',
    '`sh hello.sh Ada` prints `Hello, world!`. It should print `Hello, Ada!`.',
    '',
    'Without a name the greeting stays the same. Add a line to `check.sh` that tests a name.',
  )

const author = { NAME: 'burn', EMAIL: 'burn@localhost' }

/** Makes the forge in a folder that does not exist. Throws BurnError `git_*`, for example if git is not installed. */
export async function makeFolderForge(dir: string, git: Git): Promise<void> {
  const bare = join(dir, `${exampleRepo.name}.git`)
  const at = { git_dir: bare }
  await mkdir(join(dir, 'issues', exampleRepo.name), { recursive: true })
  await gitOutput(git, ['init', '--quiet', '--bare', bare], { at: null })
  const rows = []
  for (const [name, text] of Object.entries(files)) {
    const blob = await gitOutput(git, ['hash-object', '-w', '--stdin'], { at, input: text })
    rows.push(`100644 blob ${blob.trim()}\t${name}\n`)
  }
  const tree = (await gitOutput(git, ['mktree'], { at, input: rows.join('') })).trim()
  const env = Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((who) => Object.entries(author).map(([key, value]) => [`GIT_${who}_${key}`, value])),
  )
  const commit = (await gitOutput(git, ['commit-tree', tree, '-m', 'Print a greeting'], { at, env })).trim()
  await gitOutput(git, ['update-ref', `refs/heads/${exampleRepo.base}`, commit], { at })
  await gitOutput(git, ['symbolic-ref', 'HEAD', `refs/heads/${exampleRepo.base}`], { at })
  await writeFile(join(dir, 'issues', exampleRepo.name, '1.md'), issue(git.clock.now()))
}
