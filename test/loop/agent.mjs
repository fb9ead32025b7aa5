/**
 * A turn of the agents in panes. The agent does what its text asks for, with real git: it opens a change, and pushes fixes for failed
 * checks, for requests of reviewers and for conflicts. It logs each text with the head of its branch.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { answersTo } from './answers.ts'

const who = { GIT_AUTHOR_NAME: 'agent', GIT_AUTHOR_EMAIL: 'a@b.invalid', GIT_COMMITTER_NAME: 'agent', GIT_COMMITTER_EMAIL: 'a@b.invalid' }
const gitEnv = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', ...who }

export async function turn(prompt, ctx) {
  const [, repo, number] = /^You have one issue to work on: (\S+)#(\d+) /m.exec(prompt) ?? []
  if (repo !== undefined) return work(prompt, { repo, number }, ctx)
  const [, follow, followed, branch] =
    /^(?:Your|The) change \S+ for (\S+)#(\d+) needs more work \(dispatch \w+, branch (\S+),/m.exec(prompt) ?? []
  const [, other, otherNumber] = /^The change \S+ for (\S+)#(\d+) needs more work/m.exec(prompt) ?? []
  const name = branch ?? /check out the branch (\S+)\./.exec(prompt)?.[1]
  if (name === undefined) return ctx.print('Understood.')
  return fix(prompt, { repo: follow ?? other, number: followed ?? otherNumber, branch: name }, ctx)
}

function gitIn(dir) {
  return (...words) => execFileSync('git', words, { cwd: dir, env: gitEnv, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

/** Returns git in a clone of the repo. */
function cloneOf(repo, url, ctx) {
  const tree = join(ctx.cwd, repo.replace('/', '-'))
  if (!existsSync(tree)) execFileSync('git', ['clone', '--quiet', url, tree], { env: gitEnv, stdio: 'ignore' })
  const git = gitIn(tree)
  git('fetch', '--quiet', '--prune', 'origin')
  return { git, tree }
}

async function work(prompt, { repo, number }, ctx) {
  const [, url = ''] = /^1\. Clone (.+) in your own directory/m.exec(prompt) ?? []
  const [, branch = '', base = ''] = /Start branch (\S+) from origin\/(\S+)\. Touch/.exec(prompt) ?? []
  const [, api = ''] = /^Forge API: (\S+)\. /m.exec(prompt) ?? []
  ctx.log('given', { repo, number, branch })
  const { git, tree } = cloneOf(repo, url, ctx)
  git('checkout', '--quiet', '--force', '-B', branch, '--no-track', `origin/${base}`)
  const write = (path, text) => (mkdirSync(join(tree, path, '..'), { recursive: true }), writeFileSync(join(tree, path), text))
  write(`work/${number}-first.txt`, 'done\n')
  write(`shared/${number}.txt`, 'from the agent\n')
  git('add', '-A')
  git('commit', '--quiet', '-m', `Do #${number}`)
  git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`)
  const body = { title: `Do #${number}`, body: `Closes #${number}`, head: branch, base }
  const status = await post(`${api}/repos/${repo}/pulls`, ctx.env.STANDIN_TOKEN, body)
  ctx.print(`opened the change of ${repo}#${number}: ${status}`)
}

async function fix(prompt, { repo, number, branch }, ctx) {
  const { git, tree } = cloneOf(repo, join(ctx.env.LOOP_GIT, `${repo}.git`), ctx)
  git('checkout', '--quiet', '--force', '-B', branch, '--no-track', `origin/${branch}`)
  const head = git('rev-parse', 'HEAD')
  ctx.log('told', { repo, number, head, text: prompt })
  if (prompt.includes('The change conflicts with ')) git('merge', '--quiet', '-X', 'ours', '-m', 'Merge main', 'origin/main')
  const answers = answersTo(prompt)
  if (answers !== '') {
    writeFileSync(join(tree, `work/${number}-${head.slice(0, 12)}.txt`), answers)
    git('add', '-A')
    git('commit', '--quiet', '-m', `Answer about #${number}`)
  }
  git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`)
  ctx.print(`pushed ${branch}`)
}

function post(url, token, body) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `token ${token}`, 'content-type': 'application/json' }
    const call = request(url, { method: 'POST', headers }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode))
    })
    call.once('error', reject)
    call.end(JSON.stringify(body))
  })
}
