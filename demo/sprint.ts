/** The last part of the demo: a sprint does one more issue without a pane, with a script in place of a model. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Io } from '../src/cli/io.ts'
import type { DemoSetup } from './setup.ts'
import { burn, typed } from './burn.ts'
import { git, writeIssue } from './setup.ts'

const issue = {
  repo: 'handbook',
  number: 10,
  title: 'When is lunch?',
  file: 'lunch.md',
  text: '# Lunch\n\nAt half past twelve, and nobody deploys meanwhile.\n',
} as const

/** Runs the sprint. Returns null if its branch does what the issue asks, else the problem. */
export async function runSprint(setup: DemoSetup, io: Io, stop: AbortSignal): Promise<string | null> {
  const { repo, number, title, file, text } = issue
  writeIssue(setup.forge, {
    repo,
    number,
    title,
    author: 'ann',
    body: `New people ask. Please add a file \`${file}\` that says:\n\n\`\`\`\n${text}\`\`\`\n`,
  })
  io.out('')
  io.out(`A new issue: ${repo}#${number}: ${title} A sprint does it without a pane.`)
  if (setup.unconfined !== null)
    io.out(
      `The spec says "sandbox": {"use": "off"}, so the commands of the sprint run unconfined: ${setup.unconfined}. Your own sprints need bubblewrap.`,
    )
  const words = ['sprint', 'run', '--issue', `${repo}#${number}`]
  io.out(io.paint('gray', `$ ${typed(words)}`))
  for (const line of (await burn(setup, words, stop)).trimEnd().split('\n')) io.out(line)
  return verify(setup)
}

/** Checks the sprint's branch and change in git and in the folder forge. */
async function verify(setup: DemoSetup): Promise<string | null> {
  const { repo, number, file, text } = issue
  const folder = join(setup.forge, 'reviews', repo)
  const review = existsSync(folder)
    ? readdirSync(folder).find((name) => name.endsWith('.md') && readFileSync(join(folder, name), 'utf8').includes(`issue: ${number}\n`))
    : undefined
  if (review === undefined) return `no change is open for ${repo}#${number}`
  const [, branch = ''] = /^branch: "?(burn\/\w{13})"?$/m.exec(readFileSync(join(folder, review), 'utf8')) ?? []
  const bare = join(setup.forge, `${repo}.git`)
  const changed = (await git(setup, '-C', bare, 'diff', '--name-only', `main...refs/heads/${branch}`)).trim()
  if (changed !== file) return `${branch} changes ${changed || 'nothing'}, not ${file}`
  return (await git(setup, '-C', bare, 'show', `refs/heads/${branch}:${file}`)) === text
    ? null
    : `${file} does not have the text of the issue`
}
