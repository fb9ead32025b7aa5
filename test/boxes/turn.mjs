/**
 * A turn of an agent in a box. The agent leaves a file that it does not push, works like the worker of the demo, and takes its time. If burn
 * tells it to go on after a restart, it reads the prompt of the issue again. An issue with the words "eat memory" uses up the box's memory
 * once.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { turn as work } from '../../demo/worker.mjs'

const block = 32 * 1024 * 1024

export async function turn(prompt, ctx) {
  const [, id, file] = /Go on with \S+ \(dispatch (\w+)\).* read (\S+) in your directory/.exec(prompt) ?? []
  const text = file === undefined ? prompt : `${prompt}\n${readFileSync(resolve(ctx.cwd, file), 'utf8')}`
  const [, repo, dispatch] = /issue to work on: \S+\/(\S+)#\d+ .*, dispatch (\w+)\.$/m.exec(text) ?? []
  if (dispatch === undefined) return work(prompt, ctx)
  if (id === undefined) leave(join(ctx.cwd, `notes-${dispatch}`), ctx)
  else forget(join(ctx.cwd, repo), /Start branch (\S+) from origin/.exec(text)?.[1])
  if (text.includes('eat memory') && !existsSync(join(ctx.env.HOME, '.ate'))) eat(ctx)
  await ctx.sleep(3_000 + Math.random() * 9_000)
  await work(text, ctx)
}

function leave(path, { log }) {
  writeFileSync(path, 'Notes that nobody pushed.')
  log('left', { path })
}

/** Removes the remains of a turn that was killed: a lock of git, and a branch without a change. */
function forget(tree, branch) {
  if (!existsSync(tree) || branch === undefined) return
  rmSync(join(tree, '.git/index.lock'), { force: true })
  spawnSync('git', ['push', '--quiet', 'origin', '--delete', branch], { cwd: tree })
}

function eat({ env }) {
  writeFileSync(join(env.HOME, '.ate'), '')
  for (const eaten = []; ;) eaten.push(Buffer.alloc(block, 1))
}
