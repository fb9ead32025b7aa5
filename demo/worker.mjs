/**
 * The worker of the demo, in place of a coding agent. It gets only its prompts, and does what they ask: clones, changes, checks, commits,
 * pushes, and opens a change for review. Uses only Node's own modules, and runs under Node 20.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { requestedChange } from './changes.mjs'

const execute = promisify(execFile)
/** Pause between two steps (ms), so that a person can watch. */
const pace = 300

/** Runs one turn. The stand-in agent passes `ctx`: print, sleep, cwd and env. */
export async function turn(prompt, ctx) {
  const [, glyph, name] = /^You are (\S+) (\S+), an? /m.exec(prompt) ?? []
  if (name !== undefined) {
    writeFileSync(join(ctx.cwd, '.identity'), name)
    return ctx.print(`${glyph} ${name}`)
  }
  const order = parsePrompt(prompt) ?? parseFollowUp(prompt)
  if (order === null) return ctx.print('I am a small program without a view. An agent would answer here.')
  await work(order, ctx)
}

/** Returns the fields of a work prompt; null for any other prompt. */
function parsePrompt(prompt) {
  const field = (pattern) => pattern.exec(prompt)?.[1]
  const [, repo, number] = /^You have one issue to work on: \S+\/(\S+)#(\d+) /m.exec(prompt) ?? []
  const [, , fenced = ''] = /^----- (\S+) -----\n([^]*)\n----- \1 -----$/m.exec(prompt) ?? []
  const order = {
    repo,
    number,
    id: field(/, dispatch (\w+)\.$/m),
    clone: field(/^1\. Clone (.+) in your own directory/m),
    branch: field(/Start branch (\S+) from origin\//),
    base: field(/from origin\/(\S+)\. Touch/),
    check: field(/^3\. Run `(.+)`; it must pass\.$/m),
    review: field(/write the file (.+) with the lines "---"/)?.replace('<issue number>', number),
    title: /^title: (.*)$/m.exec(fenced)?.[1] ?? '',
    body: fenced.slice(fenced.indexOf('\n\n') + 2),
  }
  return [repo, order.id, order.clone, order.branch, order.base, order.review].includes(undefined) ? null : order
}

/** Returns the fields of a text about a change that came back; null for any other prompt. */
function parseFollowUp(prompt) {
  const [, repo, number, id, branch] =
    /^Your change \S+ for \S+\/(\S+)#(\d+) needs more work \(dispatch (\w+), branch (\S+),/m.exec(prompt) ?? []
  const [, , body = ''] = /^----- (\S+) -----\n([^]*)\n----- \1 -----$/m.exec(prompt) ?? []
  const check = /^Run `(.+)`; it must pass\./m.exec(prompt)?.[1]
  return repo === undefined ? null : { repo, number, id, branch, base: branch, check, body, review: null }
}

async function work(order, { print, sleep, cwd, env }) {
  const name = readFileSync(join(cwd, '.identity'), 'utf8')
  const tree = join(cwd, order.repo)
  const run = (program, ...words) => execute(program, words, { cwd: tree, env: environment(name, env) })
  const step = async (text) => (print(`  ┊ ${text}`), sleep(pace))
  const change = requestedChange(order.body)
  if (change === null) return print(`I do not understand ${order.repo}#${order.number}, so I open no change.`)
  const isNew = order.review !== null
  await step(isNew ? `clone ${basename(order.clone)}, start ${order.branch}` : `continue ${order.branch}`)
  if (existsSync(tree)) await run('git', 'fetch', '--quiet', 'origin')
  else await execute('git', ['clone', '--quiet', order.clone, tree], { env: environment(name, env) })
  await run('git', 'checkout', '--quiet', '--force', '-B', order.branch, '--no-track', `origin/${order.base}`)
  await step(`${change.what}: ${change.files.join(', ')}`)
  change.apply(tree)
  if (order.check !== undefined) {
    await step(`check: ${order.check}`)
    await run('sh', '-c', order.check)
  }
  await run('git', 'add', '--', ...change.files)
  await run('git', 'commit', '--quiet', '-m', isNew ? `${change.what}\n\nCloses #${order.number}` : change.what)
  await step(`push ${order.branch}`)
  await run('git', 'push', '--quiet', 'origin', `HEAD:refs/heads/${order.branch}`)
  if (isNew) openChange(order, change, name)
  print(`${name}: ${order.repo}#${order.number} is ${isNew ? 'open for review' : 'pushed again'}.`)
}

/** Opens a change for review: writes its file under a temporary name, then renames it, as the prompt asks. */
function openChange(order, change, name) {
  const head = { issue: Number(order.number), branch: order.branch, author: name, state: 'open', title: change.what }
  const lines = Object.entries(head).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  const draft = join(dirname(order.review), `.${order.id}.tmp`)
  mkdirSync(dirname(order.review), { recursive: true })
  try {
    writeFileSync(draft, `---\n${lines.join('\n')}\n---\n${change.what}, as the issue "${order.title}" asks.\n\nCloses #${order.number}\n`)
    renameSync(draft, order.review)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Returns the environment for the worker's commands. git commits under the worker's name, and checks use the Node of this process. */
function environment(name, env) {
  const own = Object.fromEntries(Object.entries(env).filter(([key]) => !/^(?:GIT_|NODE_TEST_CONTEXT|NODE_OPTIONS)/.test(key)))
  const email = `${name.toLowerCase()}@demo.invalid`
  const git = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' }
  const who = { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email }
  return { ...own, ...git, ...who, PATH: `${dirname(process.execPath)}:${env.PATH ?? '/usr/bin:/bin'}` }
}
