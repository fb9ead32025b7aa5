/** The demo's end: one issue more comes in, and no pane takes it. A sprint does, with a model that is a script. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Io } from '../src/cli/io.ts'
import type { Stage } from './stage.ts'
import { burn, typed } from './burn.ts'
import { git, writeIssue } from './stage.ts'

const issue = {
  repo: 'handbook',
  number: 10,
  title: 'When is lunch?',
  file: 'lunch.md',
  text: '# Lunch\n\nAt half past twelve, and nobody deploys meanwhile.\n',
} as const

/** Null where all is as the issue asks, or what is wrong. */
export async function playSprint(stage: Stage, io: Io, stop: AbortSignal): Promise<string | null> {
  const { repo, number, title, file, text } = issue
  writeIssue(stage.forge, {
    repo,
    number,
    title,
    author: 'ann',
    body: `New people ask. Please add a file \`${file}\` that says:\n\n\`\`\`\n${text}\`\`\`\n`,
  })
  io.out('')
  io.out(`One more issue comes in, ${repo}#${number}: ${title} A sprint takes it; it needs no pane.`)
  if (stage.unconfined !== null)
    io.out(
      `The spec says "sandbox": {"use": "off"}, so its commands run unconfined: ${stage.unconfined}. Your own sprints need bubblewrap.`,
    )
  const words = ['sprint', 'run', '--issue', `${repo}#${number}`]
  io.out(io.paint('gray', `$ ${typed(words)}`))
  for (const line of (await burn(stage, words, stop)).trimEnd().split('\n')) io.out(line)
  return verify(stage)
}

/** What git and the folder forge really hold. */
async function verify(stage: Stage): Promise<string | null> {
  const { repo, number, file, text } = issue
  const folder = join(stage.forge, 'reviews', repo)
  const review = existsSync(folder)
    ? readdirSync(folder).find((name) => readFileSync(join(folder, name), 'utf8').includes(`issue: ${number}\n`))
    : undefined
  if (review === undefined) return `no change is open for ${repo}#${number}`
  const [, branch = ''] = /^branch: "?(burn\/\w{13})"?$/m.exec(readFileSync(join(folder, review), 'utf8')) ?? []
  const bare = join(stage.forge, `${repo}.git`)
  const changed = (await git(stage, '-C', bare, 'diff', '--name-only', `main...refs/heads/${branch}`)).trim()
  if (changed !== file) return `${branch} changes ${changed || 'nothing'}, not ${file}`
  return (await git(stage, '-C', bare, 'show', `refs/heads/${branch}:${file}`)) === text
    ? null
    : `${file} says something else than the issue asks`
}
