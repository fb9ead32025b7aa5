/**
 * A turn of an agent that works like the worker of the demo, and then leaves work in its clone that it does not push: a file, or a commit on
 * another branch. Its log names what it left.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { turn as work } from '../../demo/worker.mjs'

export async function turn(prompt, ctx) {
  // If christen was killed, the first issue may arrive before the identity.
  const identity = join(ctx.cwd, '.identity')
  if (!existsSync(identity)) writeFileSync(identity, 'agent')
  await work(prompt, ctx)
  const [, repo, id] = /issue to work on: \S+\/(\S+)#\d+ .*, dispatch (\w+)\.$/m.exec(prompt) ?? []
  if (id === undefined) return
  // Some turns are long, so that their workers are at work when they are retired.
  await ctx.sleep(Math.random() ** 3 * 12_000)
  const clone = join(ctx.cwd, repo)
  const file = `left-${id}`
  writeFileSync(join(clone, file), id)
  if (Math.random() < 0.5) return ctx.log('left', { path: join(clone, file) })
  const git = (...words) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { cwd: clone, encoding: 'utf8' })
  git('checkout', '--quiet', '-B', `notes/${id}`)
  git('add', '--', file)
  git('commit', '--quiet', '-m', 'Notes')
  ctx.log('left', { clone, commit: git('rev-parse', 'HEAD').trim() })
}
