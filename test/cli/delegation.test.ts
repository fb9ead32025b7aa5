/** `burn issue delegate` and `burn issue list`, on a Gitea stand-in. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { testFleet } from '../support/fleet.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'

const titles = ['deploy new server config', 'Fix a typo', 'Restart the server \u001b[31m']

/** Starts a forge with two repos and the same issues in each, and a fleet that has only sprints and delegation. */
async function fleetWith(t: TestContext, agents: object, reader = 'ezra') {
  const issues = titles.map((title) => ({ title, author: 'ann' }))
  const repos = ['app', 'docs'].map((name) => ({ name: `me/${name}`, writers: ['burn', 'ann', 'claw'], readers: [reader], issues }))
  const forge = await startGitea({ repos })
  t.after(() => forge.close())
  const specOf = (dir: string, declared: object | undefined) => ({
    name: 'f',
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'gitea', url: forge.url, owner: 'me', token: { file: join(dir, 'token') } },
    sprint: { backends: [{ kind: 'runner' }], repos: ['app', 'docs'] },
    ...(declared === undefined ? {} : { delegation: { agents: declared } }),
  })
  const fleet = testFleet(t, (dir) => {
    writeFileSync(join(dir, 'token'), forge.token, { mode: 0o600 })
    return specOf(dir, agents)
  })
  const assigned = () =>
    ['app', 'docs'].map((name) => titles.map((_, index) => forge.state.issue(`me/${name}`, index + 1).assignees.join()))
  return { ...fleet, forge, assigned, respec: (declared?: object) => fleet.writeSpec(specOf(fleet.dir, declared)) }
}

const two = { claw: { keywords: { config: 1, typo: 1 } }, ezra: { keywords: ['deploy', 'server'] } }

test('issue delegate: assigns, and lists with one request a repo', async (t) => {
  const { burn, forge, assigned, respec } = await fleetWith(t, two)
  const dry = await burn('issue', 'delegate', '--dry-run')
  assert.match(dry.out, /^ISSUE +STEP +AGENT +WHY\nme\/app#1 +assigned +ezra +score 6 \(threshold 3\): deploy \(title 3\), server/m)
  assert.match(dry.out, /^Would assign 5 issues; 0 suit no agent\.$/m)
  assert.deepEqual(assigned().flat().join(''), '')
  const one = await burn('issue', 'delegate', '--repo', 'app', '--json')
  assert.deepEqual(
    [one.code, assigned()],
    [
      0,
      [
        ['ezra', 'claw', 'ezra'],
        ['', '', ''],
      ],
    ],
  )
  assert.equal(one.json<{ steps: unknown[] }>().steps.length, 3)
  await burn('issue', 'delegate')
  assert.deepEqual(
    assigned(),
    [
      ['ezra', 'claw', 'ezra'],
      ['ezra', 'claw', ''],
    ],
    'the capacity of ezra is 3',
  )
  const comments = forge.state.issue('me/app', 3).comments.map(({ author, body }) => `${author}: ${body}`)
  assert.equal(comments.length, 1)
  assert.match(comments[0] ?? '', /^burn: <!-- burn:1 fleet=f note=delegated login=ezra -->\n/)

  const requests = async () => {
    forge.log.length = 0
    const listed = await burn('issue', 'list', '--delegated')
    return [forge.log.filter(({ target }) => target.includes('/issues?')).length, forge.log.length, listed.out] as const
  }
  await requests()
  const [listings, all, out] = await requests()
  assert.deepEqual([listings, all], [2, 2])
  assert.match(out, /^AGENT +ISSUE +STATE +SINCE +DEADLINE +TITLE$/m)
  assert.match(out, /^ezra +me\/app#3 +assigned +\d+s +(?:23h\d+m|1d0h) +Restart the server \[31m$/m)
  assert.match(out, /^claw +claw +2 of 3\nezra +ezra +3 of 3$/m)
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`agent${index}`, { keywords: ['x'] }]))
  respec({ ...two, ...many })
  assert.deepEqual((await requests()).slice(0, 2), [2, 2], 'the number of agents makes no difference')
  assert.match(
    (await burn('issue', 'list', '--repo', 'docs')).out,
    /^ISSUE +OPENED +STANDING +PRIORITY +ASSIGNED +TITLE\nme\/docs#1 +\d{4}-\d\d-\d\d +unjudged +ezra +deploy/,
  )
  assert.deepEqual(forge.violations, [])
})

test('issue delegate: names a login that the forge does not allow', async (t) => {
  const { burn, assigned, respec } = await fleetWith(t, two, 'nobody')
  await burn('issue', 'delegate')
  assert.deepEqual(assigned()[0], ['claw', 'claw', ''])
  assert.match(
    (await burn('log', '--kind', 'delegation.refused')).out,
    /ezra: the forge does not let ezra be assigned to issues of me\/app/,
  )
  const doctor = await burn('doctor')
  assert.match(doctor.out, /the forge does not let ezra be assigned to issues of me\/app/)
  // Agents that the spec no longer has keep their issues.
  respec({ bob: { login: 'ann', keywords: ['server'] } })
  await burn('issue', 'delegate')
  assert.deepEqual(assigned()[0], ['claw', 'claw', 'ann'])
  assert.match((await burn('issue', 'list', '--delegated')).out, /^claw +me\/app#1 +assigned/m)
  respec()
  const off = await burn('issue', 'delegate')
  assert.deepEqual([off.code, /job_disabled/.test(off.err)], [2, true])
  assert.match((await burn('issue', 'list', '--delegated')).out, /^claw +me\/app#1 +assigned/m)
})
