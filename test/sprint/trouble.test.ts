/** The ways in which one sprint can fail. Each has its class, releases the claim and loses no work. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { FailureClass } from '../../src/core/sprint.ts'
import type { Reply } from '../stand-ins/model/replies.ts'
import { commitTo } from '../stand-ins/gitea/git.ts'
import { mounted } from '../support/mount.ts'
import { readTranscript } from '../../src/sprint/results.ts'
import { startGateway } from '../stand-ins/model/gateway.ts'
import { code, commentsOf, ended } from './judge.ts'
import { brainOf, type Fate } from './brain.ts'
import { inside, type InProcessSprints } from './inside.ts'
import { repo, sprintRig, type RigOptions, type SprintRig } from './rig.ts'
import { startBurn } from './running.ts'
import { because } from '../support/reasons.ts'

const noEvents = { conflict: () => {}, taken_branch: () => {} }
const issue = { title: 'Write it down', body: 'In notes, please.' }
/** No sandbox: it has its own tests, and bubblewrap is not on every machine. */
const unconfined = { sandbox: { use: 'off' } }

async function setup(
  t: TestContext,
  options: Partial<RigOptions> = {},
  fate: Fate = 'plain',
): Promise<{ rig: SprintRig; sprints: InProcessSprints }> {
  const rig = await sprintRig(t, {
    issues: [issue],
    script: brainOf(() => fate, noEvents),
    ...options,
    sprint: { ...unconfined, ...options.sprint },
  })
  return { rig, sprints: await inside(t, rig) }
}

// These tests mostly wait, so they can run in parallel.
describe('trouble of a sprint', { concurrency: 3 }, () => {
  test('sprint: reports a missing backend before any claim', async (t) => {
    const { rig, sprints } = await setup(t)
    await rig.model.close()
    await assert.rejects(sprints.run(), code('sprint_no_backend'))
    assert.deepEqual(await sprints.context.session.ledger.sprints({}), [])
    assert.deepEqual(commentsOf(rig), [])
  })

  test('sprint: trouble of the backend releases the issue and pauses runs', async (t) => {
    const limit: Reply = { status: 429, headers: { 'retry-after': '7200' }, error: { message: 'slow down' } }
    const accounts = { team: { backends: ['runner stand-in'] } }
    const { rig, sprints } = await setup(t, { issues: [issue, issue], script: () => limit, more: () => ({ accounts }) })
    const rows = await sprints.run({ count: 2 })
    assert.equal(rows.length, 1)
    await ended(rows[0], 'rate_limited', 'released', sprints)
    assert.equal((await sprints.context.session.ledger.issue(`${repo}#1`))?.attempts, 0)
    assert.match(commentsOf(rig)[0] ?? '', /state=released[^]*rate_limited/)
    await assert.rejects(sprints.run(), code('sprint_resting'))
    const { ledger } = sprints.context.session
    const [hold] = await ledger.holds()
    assert.deepEqual([hold?.name, hold?.code, (hold?.until ?? 0) - (hold?.created_at ?? 0)], ['team', 'limit', 7_200_000])
    await assert.rejects(sprints.run({ now: true }), code('sprint_no_backend'))
    await ledger.removeHolds([hold!], 0)
    assert.equal((await sprints.run({ now: true })).length, 1)
  })

  // `test/llm` has the classes of all replies, and `test/decide/failure.test.ts` their consequences.
  const replies: readonly (readonly [string, Reply, FailureClass, 'failed' | 'released'])[] = [
    [
      'an unknown model',
      { status: 404, error: { message: 'The model `stand-in` does not exist', code: 'model_not_found' } },
      'model_unknown',
      'released',
    ],
    ['an answer with invalid calls only', { calls: [{ name: 'write_file', args: '{"path":' }] }, 'backend_failed', 'failed'],
  ]
  for (const [what, reply, failure, state] of replies)
    test(`sprint: ${what} has its class`, async (t) => {
      const { sprints } = await setup(t, { script: () => reply })
      const [row] = await sprints.run()
      await ended(row, failure, state, sprints)
    })

  test('sprint: if one backend fails, the next continues and is told', async (t) => {
    const { rig, sprints } = await setup(t)
    const otherBackend = { kind: 'cli', agent: 'custom', command: ['sh', '-c', 'cat >/dev/null; echo broken >&2; exit 3'] }
    const runner = { kind: 'runner', models: [{ model: 'stand-in', url: rig.model.url, key: { file: join(rig.dir, 'model.secret') } }] }
    rig.spec({ ...unconfined, backends: [otherBackend, runner] })
    const nextRun = await inside(t, rig)
    const [row] = await nextRun.run()
    assert.deepEqual([row?.failure, row?.outcome, row?.model], [null, 'change', 'stand-in'])
    assert.match(rig.model.requests[0]?.messages.at(-1)?.content ?? '', /Another model worked on this issue before you/)
    assert.equal(sprints.messages.length, 0)
  })

  test('sprint: if a backend hangs, the next continues', async (t) => {
    const { rig } = await setup(t, { script: () => ({ hang: 'at once' }) })
    const runner = { kind: 'runner', models: [{ model: 'stand-in', url: rig.model.url, key: { file: join(rig.dir, 'model.secret') } }] }
    const writer = { kind: 'cli', agent: 'custom', command: ['sh', '-c', 'cat >/dev/null; echo more >>notes/0.md; echo Done.'] }
    rig.spec({ ...unconfined, backends: [runner, writer], budget: { time: '30s' } })
    const sprints = await inside(t, rig)
    const began = performance.now()
    const [row] = await sprints.run()
    assert.deepEqual([row?.failure, row?.outcome, row?.backend], [null, 'change', 'cli sh'])
    assert.ok(performance.now() - began < 25_000, 'the backend that hangs must leave time')
    const notes = sprints.updates.flatMap(({ note }) => (note?.kind === 'note' ? [note.text] : []))
    assert.match(notes.join('\n'), /backend_failed: no output and no change in the workspace for \d+ s; burn continues with cli sh/)
  })

  test('sprint: stops a gateway run that a killed process left', async (t) => {
    const gateway = await startGateway({ script: () => ({ text: 'never' }), trouble: 'hang' })
    t.after(() => gateway.close())
    const { rig } = await setup(t, { more: () => ({ dispatch: { retry_after: '1h' } }) })
    rig.spec({ ...unconfined, backends: [{ kind: 'gateway', url: gateway.url }] })
    const killed = startBurn(t, rig.env, 'sprint', 'run')
    await gateway.seen(/events/)
    killed.kill('SIGKILL')
    await killed.ended
    const runs = join(rig.state, 'runs')
    assert.equal(readdirSync(runs).length, 1)
    const sprints = await inside(t, rig)
    const { ledger } = sprints.context.session
    assert.ok(!gateway.log.includes('POST /v1/runs/run_0/stop'))
    await ledger.renewLeases((await ledger.sprints({ live: true }))[0]?.lease_owner ?? '', Date.now() - 1)
    assert.deepEqual(await sprints.run(), [])
    assert.equal(gateway.log.filter((line) => line === 'POST /v1/runs/run_0/stop').length, 1)
    assert.deepEqual(readdirSync(runs), [])
    const [row] = await ledger.sprints({})
    assert.equal(row?.failure, 'crashed')
    assert.match(
      (await readTranscript(rig.state, row.id))?.map((line) => JSON.stringify(line)).join() ?? '',
      /a burn process was killed and left the run/,
    )
  })

  test('sprint: the turn budget ends it', async (t) => {
    const { sprints } = await setup(t, {
      script: () => ({ calls: [{ name: 'read_file', args: { path: 'README.md' } }] }),
      sprint: { budget: { turns: 3 } },
    })
    const [row] = await sprints.run()
    await ended(row, 'budget', 'failed', sprints)
    assert.ok((row?.turns ?? 0) <= 4)
  })

  test('sprint: a repo without commits is unusable', async (t) => {
    const { sprints } = await setup(t, { files: {} })
    assert.deepEqual(await sprints.run(), [], 'burn claims nothing')
    assert.match(sprints.messages.join('\n'), /acme\/app has no commits/)
  })

  test('sprint: an issue that is closed meanwhile gets no change', async (t) => {
    const { rig, sprints } = await setup(t)
    void rig.model.asked().then(() => rig.forge.state.close(repo, 1))
    const [row] = await sprints.run()
    await ended(row, 'issue_gone', 'released', sprints)
    assert.equal(rig.changes().size, 0)
  })

  test('sprint: ends if a person releases its issue', async (t) => {
    const { rig, sprints } = await setup(t)
    const { ledger } = sprints.context.session
    void rig.model.asked().then(async () => {
      const [{ id } = { id: '' }] = (await ledger.view()).sprints
      await ledger.moveDispatches([{ id, from: ['handed'], to: 'released', reason: because('released by a person') }], Date.now())
    })
    const [row] = await sprints.run()
    await ended(row, 'fenced', 'released', sprints)
    assert.equal(rig.changes().size, 0)
    assert.match(commentsOf(rig)[0] ?? '', /Released: released by a person/)
  })

  test('sprint: of two runs on one issue, one gets it', async (t) => {
    const { rig, sprints } = await setup(t)
    const otherBackend = await inside(t, rig)
    const [first, second] = await Promise.allSettled([sprints.run(), otherBackend.run()])
    const rows = [first, second].flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
    assert.deepEqual(
      rows.map(({ outcome }) => outcome),
      ['change'],
    )
    await assert.rejects(otherBackend.run({ issue: `${repo}#1` }), code('sprint_not_eligible'))
    assert.equal(commentsOf(rig).length, 1)
  })

  test('sprint: the first comment decides between two fleets', async (t) => {
    const { rig, sprints } = await setup(t, { issues: [issue, issue], more: () => ({ dispatch: { shared_forge: true } }) })
    const otherClaim = '<!-- burn:1 fleet=theirs dispatch=0k30000000001 state=claimed -->\nClaimed.'
    rig.forge.state.addComment(repo, 1, 'ann', otherClaim)
    const { forge } = sprints.context.session
    const { comment } = forge
    // The other fleet's comment arrives between our check and our comment.
    Object.assign(forge, {
      comment: (ref: string, body: string) => {
        rig.forge.state.addComment(repo, 2, 'ann', otherClaim)
        return comment.call(forge, ref, body)
      },
    })
    const rows = await sprints.run({ count: 2 })
    assert.deepEqual(
      rows.map(({ issue: ref, outcome }) => [ref, outcome]),
      [[`${repo}#2`, 'given_back']],
    )
    await ended(rows[0], 'fenced', 'released', sprints)
    assert.equal(rig.model.requests.length, 0)
  })

  test('sprint: clones a damaged mirror again', async (t) => {
    const { rig, sprints } = await setup(t, { issues: [issue, issue] })
    assert.equal((await sprints.run())[0]?.failure, null)
    rmSync(join(rig.state, 'mirrors', `${repo}.git`, 'objects'), { recursive: true })
    assert.equal((await sprints.run())[0]?.failure, null)
  })

  test('sprint: keeps its work if the forge opens no change', async (t) => {
    const { rig, sprints } = await setup(t)
    rig.forge.trouble({ kind: 'status', status: 500 }, /^POST .*\/pulls$/)
    const [row] = await sprints.run()
    await ended(row, 'change_refused', 'failed', sprints)
    assert.equal(existsSync(join(rig.state, 'work', row?.id ?? '')), true)
  })

  test('sprint: does not begin if the forge takes no comments', async (t) => {
    const { rig, sprints } = await setup(t)
    rig.forge.trouble({ kind: 'status', status: 500 }, /^POST .*\/comments$/)
    const [row] = await sprints.run()
    await ended(row, 'forge_down', 'released', sprints)
    assert.equal(rig.model.requests.length, 0)
  })

  test('sprint: keeps its work if the push is refused', async (t) => {
    const { rig, sprints } = await setup(t)
    const refuse = 'while read -r old new ref; do git diff --quiet main "$new" || { echo "no changes on Fridays" >&2; exit 1; }; done'
    writeFileSync(join(rig.bare, 'hooks/pre-receive'), `#!/bin/sh\n${refuse}\n`)
    chmodSync(join(rig.bare, 'hooks/pre-receive'), 0o755)
    const [row] = await sprints.run()
    await ended(row, 'push_refused', 'failed', sprints)
    assert.deepEqual(readdirSync(join(rig.state, 'work')), [row?.id])
  })

  test('sprint: fails if its check never ends', async (t) => {
    const { sprints } = await setup(t, { check: 'sleep 1000', sprint: { check_timeout: '1s', check_retries: 0 } })
    const [row] = await sprints.run()
    await ended(row, 'check_red', 'failed', sprints)
    assert.match(row?.failure_text ?? '', /longer than 1 s/)
  })

  test('sprint: a stop releases its claim', async (t) => {
    const { rig, sprints } = await setup(t, { script: () => ({ hang: 'at once' }) })
    const stop = new AbortController()
    void rig.model.asked().then(() => stop.abort())
    const [row] = await sprints.run({}, stop.signal)
    await ended(row, 'stopped', 'released', sprints)
    assert.match(commentsOf(rig)[0] ?? '', /state=released/)
  })

  test('sprint: the next run settles the claim of a killed process', async (t) => {
    const { rig, sprints } = await setup(t, { more: () => ({ dispatch: { retry_after: 0.001 } }) })
    const { ledger } = sprints.context.session
    await sprints.run({ issue: `${repo}#9` }).catch(() => null)
    const reason = because('first')
    const claim = { id: '0k30000000001', issue: `${repo}#1`, worker: 'sprint/gone/1', slot: 0, host: 'gone', attempt: 1, reason }
    assert.equal(await ledger.claimSprint(claim, 'killed', Date.now() - 1, Date.now() - 60_000), 'won')
    await ledger.handSprint(claim.id, 'killed', Date.now() - 50_000)
    assert.deepEqual(await sprints.run(), [])
    assert.deepEqual(
      (await ledger.sprints({})).map(({ failure, outcome }) => [failure, outcome]),
      [['crashed', 'failed']],
    )
    assert.equal((await ledger.issue(`${repo}#1`))?.attempts, 1)
    assert.equal((await sprints.run())[0]?.outcome, 'change')
    assert.equal(rig.changes().get(1)?.length, 1)
  })

  test('sprint: a full disk releases the issue', async (t) => {
    const { rig, sprints } = await setup(t, { by: 'clone', files: { 'big.bin': randomBytes(1_200_000).toString('base64') } })
    mkdirSync(rig.state, { recursive: true })
    if (!mounted(rig.state, ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', rig.state])) return t.skip('mounts are not possible here')
    try {
      const [row] = await sprints.run()
      await ended(row, 'disk_full', 'released', sprints)
    } finally {
      spawnSync('umount', [rig.state])
    }
  })

  test('sprint: keeps its work if the base conflicts', async (t) => {
    const bareRepo: { path: string } = { path: '' }
    const events = { ...noEvents, conflict: () => void commitTo(bareRepo.path, 'main', { 'README.md': '# app\n\nby a person\n' }) }
    const { rig, sprints } = await setup(t, { script: brainOf(() => 'conflict', events) })
    bareRepo.path = rig.bare
    const [row] = await sprints.run()
    await ended(row, 'conflict', 'failed', sprints)
    assert.deepEqual(readdirSync(join(rig.state, 'work')), [row?.id])
  })
})
