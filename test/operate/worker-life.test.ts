/** The life of workers on a real tmux server: provisioned, deployed, retired, and brought back. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import type { Fleet } from '../support/fleet.ts'
import { standIn, testFleet, until, writeIssues } from '../support/fleet.ts'
import { tmuxOn } from '../support/tmux.ts'

const specOf = (dir: string, socket: string, names: readonly string[]) => ({
  name: 't',
  session: 'T',
  socket,
  dir: join(dir, 'w'),
  forge: { kind: 'folder', path: dir },
  ledger: `sqlite:${dir}/l.db`,
  agent: standIn(dir, '--turn', resolve('test/stand-ins/agent/held-turn.mjs')),
  machines: { box: { windows: [{ name: 'W', repos: ['app'], names }] } },
})

function git(...words: readonly string[]): void {
  execFileSync('git', ['-c', 'user.name=ann', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main', ...words], { stdio: 'ignore' })
}

/** Makes the repo `app` with one commit. */
function makeRepo(dir: string): void {
  const bare = join(dir, 'app.git')
  git('init', '--bare', bare)
  git('clone', bare, join(dir, 'first'))
  git('-C', join(dir, 'first'), 'commit', '--allow-empty', '-m', 'First')
  git('-C', join(dir, 'first'), 'push', 'origin', 'HEAD:main')
}

async function lives(fleet: Fleet): Promise<Record<string, string>> {
  const { workers } = (await fleet.burn('worker', 'list', '--json')).json<{ workers: { id: string; life: string }[] }>()
  return Object.fromEntries(workers.map(({ id, life }) => [id.slice(id.lastIndexOf('/') + 1), life]))
}

/** Returns the process of each worker's pane. */
function panes(fleet: Fleet): Record<string, number> {
  const rows = tmuxOn(fleet.socket, 'list-panes', '-s', '-t', '=T', '-F', '#{@burn_worker} #{pane_pid}').trim().split('\n')
  return Object.fromEntries(rows.map((row) => [row.slice(row.lastIndexOf('/') + 1, row.indexOf(' ')), Number(row.split(' ')[1])]))
}

const isRunning = (pid: number) => existsSync(`/proc/${pid}`)

interface Step {
  readonly step: string
  readonly state: string
}

test('a worker: is provisioned, deployed, drained, retired and resumed', async (t) => {
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, ['ANN', 'BOB']))
  const { dir, burn } = fleet
  makeRepo(dir)
  const clone = join(dir, 'w/box/W/ANN/app')
  const provision = async (...words: readonly string[]) => {
    const ran = await burn('worker', 'provision', ...words, '--json')
    const [worker] = ran.json<{ workers: { steps: Step[] }[] }>().workers
    return [ran.code, worker?.steps.map(({ step, state }) => `${step} ${state}`).join()]
  }
  const made = 'folder made,clone made,program ok,home warn,login warn,model none'
  assert.deepEqual(await provision('ANN', '--dry-run'), [0, made.replace('home warn', 'home made')])
  assert.ok(!existsSync(clone))
  mkdirSync(join(dir, 'w/box/W/ANN/.burn-clone.left'), { recursive: true })
  assert.deepEqual(await provision('ANN'), [0, made.replace('folder made', 'folder ok')])
  assert.ok(existsSync(join(clone, '.git')) && !existsSync(join(dir, 'w/box/W/ANN/.burn-clone.left')))
  mkdirSync(join(dir, 'w/box/W/BOB/app'), { recursive: true })
  writeFileSync(join(dir, 'w/box/W/BOB/app/notes'), 'mine')
  assert.deepEqual(await provision('BOB'), [1, 'folder ok,clone failed,program ok,home warn,login warn,model none'])
  assert.deepEqual(await lives(fleet), { ANN: 'provisioned', BOB: 'declared' })

  // Turns end at once while this file exists.
  const go = join(dir, 'agents', '%p-%d.jsonl.go')
  writeFileSync(go, '')
  await burn('up')
  await burn('christen')
  rmSync(go)
  writeIssues(dir, 'app', [{ title: 'One', body: 'x' }])
  await burn('hold', 'BOB')
  await burn('dispatch')
  assert.deepEqual(await lives(fleet), { ANN: 'deployed', BOB: 'held' })
  fleet.writeSpec(specOf(dir, fleet.socket, ['BOB']))
  await burn('up', '--prune')
  assert.deepEqual(Object.keys(panes(fleet)), ['ANN', 'BOB'], 'burn ends no pane whose worker has an issue')
  assert.deepEqual(await lives(fleet), { BOB: 'held', ANN: 'retiring' })
  fleet.writeSpec(specOf(dir, fleet.socket, ['ANN', 'BOB']))

  writeFileSync(join(clone, 'new'), 'not committed')
  const busy = await burn('worker', 'retire', 'ANN', '--dry-run')
  assert.match(busy.out, /^planned {4}box\/W\/ANN {2}box\/W\/ANN has local\/app#1$/m)
  const agent = panes(fleet)['ANN'] ?? 0
  await burn('issue', 'release', 'app#1', '--force')
  fleet.writeSpec(specOf(dir, fleet.socket, ['BOB']))
  await burn('up', '--prune')
  assert.deepEqual(Object.keys(panes(fleet)), ['ANN', 'BOB'], 'burn ends no pane whose agent is at work')
  fleet.writeSpec(specOf(dir, fleet.socket, ['ANN', 'BOB']))
  const retiring = burn('worker', 'retire', 'ANN', '--reason', 'moves')
  await until('ANN gets no new work', async () => (await lives(fleet))['ANN'] === 'retiring')
  writeFileSync(go, '')
  const { code, out } = await retiring
  assert.equal(code, 0, out)
  assert.match(out, /^retired {4}box\/W\/ANN {2}its pane has ended; its folder stays$/m)
  assert.match(out, /^ {2}\S+\/ANN\/app: 1 uncommitted file$/m)
  assert.ok(!isRunning(agent) && existsSync(join(clone, 'new')))
  assert.match((await burn('up')).err, /ANN gets no pane: it is retired \(to bring it back: burn resume ANN\)/)
  assert.deepEqual([Object.keys(panes(fleet)), await lives(fleet)], [['BOB'], { ANN: 'retired', BOB: 'held' }])
  assert.equal((await burn('worker', 'retire', 'ANN', '--json')).json<{ workers: { outcome: string }[] }>().workers[0]?.outcome, 'already')
  await burn('resume', 'ANN')
  await burn('up')
  assert.deepEqual([Object.keys(panes(fleet)).toSorted(), await lives(fleet)], [['ANN', 'BOB'], { ANN: 'provisioned', BOB: 'held' }])
  const shown = await burn('worker', 'show', 'ANN')
  assert.match(shown.out, /^ {2}clone {5}\S+app \(main\): 1 uncommitted file$/m)
})
