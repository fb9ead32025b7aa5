/** Checks that every failure between burn and a forge ends in one clear error, in time, and never with the token in it. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { RequestBudget } from '../../src/forge/api.ts'
import type { Clock } from '../../src/core/ports.ts'
import { BurnError } from '../../src/core/errors.ts'
import { openGitea } from '../../src/forge/gitea.ts'
import { rateLimiter } from '../../src/forge/rate-limit.ts'
import { clock } from '../support/clock.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import type { Trouble } from '../stand-ins/gitea/troubles.ts'

const repo = 'acme/app'
const token = 'tok-0123456789-secret'

/** Starts a forge with one issue. Its clock records each sleep instead of waiting. */
async function serve(t: TestContext, budget: Partial<RequestBudget> = {}) {
  const server = await startGitea({
    check: false,
    repos: [{ name: repo, writers: ['burn'], issues: [{ title: 'one' }] }],
    tokens: { [token]: 'burn' },
  })
  t.after(() => server.close())
  const slept: number[] = []
  const quick: Clock = { now: clock.now, sleep: async (ms) => void slept.push(ms) }
  const forge = openGitea({
    url: server.url,
    token: async () => `${token}\n`,
    clock: quick,
    random: () => 0.5,
    budget: { request_ms: 2_000, backoff_ms: 100, ...budget },
  })
  return { server, forge, slept }
}

/** Checks an error of the forge: the code, a hint, and no secret anywhere. */
function fails(code: string, hint: RegExp = /./) {
  return (thrown: unknown) => {
    assert.ok(thrown instanceof BurnError, String(thrown))
    assert.equal(thrown.code, code)
    assert.match(thrown.hint, hint)
    assert.doesNotMatch(thrown.message, /\n/)
    assert.ok(!`${thrown.message} ${thrown.hint} ${thrown.stack}`.includes(token))
    return true
  }
}

const troubles: readonly (readonly [string, Trouble, string, number])[] = [
  ['401', { kind: 'status', status: 401 }, 'forge_auth', 1],
  ['403', { kind: 'status', status: 403 }, 'forge_forbidden', 1],
  ['404, and the repo is missing too', { kind: 'status', status: 404 }, 'forge_not_found', 2],
  ['422', { kind: 'status', status: 422 }, 'forge_refused', 1],
  ['423', { kind: 'status', status: 423 }, 'forge_archived', 1],
  ['429', { kind: 'status', status: 429 }, 'forge_rate_limited', 4],
  ['500', { kind: 'status', status: 500 }, 'forge_failed', 4],
  ['503', { kind: 'status', status: 503 }, 'forge_unavailable', 4],
  ['HTML', { kind: 'html' }, 'forge_not_json', 1],
  ['broken JSON', { kind: 'cut' }, 'forge_not_json', 4],
  ['a broken connection', { kind: 'cut', hang_up: true }, 'forge_unavailable', 4],
  ['no answer', { kind: 'lost_answer' }, 'forge_unavailable', 4],
  ['a repeated secret', { kind: 'status', status: 403, message: `who is ${token}?\n\u001b[31m` }, 'forge_forbidden', 1],
]

for (const [name, trouble, code, requests] of troubles) {
  test(`gitea: ${name} ends in ${code} after ${requests} requests`, async (t) => {
    const { server, forge } = await serve(t)
    server.trouble(trouble)
    await assert.rejects(forge.issues(repo, null), fails(code))
    assert.equal(server.log.length, requests)
    assert.equal(forge.requests(), requests)
    server.calm()
    assert.equal((await forge.issues(repo, null)).issues.length, 1)
  })
}

test('gitea: retries hide a failure that passes', async (t) => {
  const { server, forge, slept } = await serve(t)
  server.trouble({ kind: 'status', status: 502 }, /^/, 1)
  server.trouble({ kind: 'lost_answer' }, /^/, 1)
  assert.equal((await forge.issues(repo, null)).issues.length, 1)
  assert.deepEqual(slept, [75, 150])
})

test('gitea: waits for Retry-After if there is time', async (t) => {
  const { server, forge, slept } = await serve(t)
  server.trouble({ kind: 'status', status: 429, headers: { 'retry-after': '7' } }, /^/, 1)
  assert.equal((await forge.issues(repo, null)).issues.length, 1)
  assert.deepEqual(slept, [7000])
  const later = new Date(Date.now() + 3_600_000).toUTCString()
  server.trouble({ kind: 'status', status: 429, headers: { 'retry-after': later } })
  await assert.rejects(forge.issues(repo, null), fails('forge_rate_limited', /interval/))
  assert.equal(slept.length, 1)
})

test('gitea: retries an edit, and never a new comment', async (t) => {
  const { server, forge } = await serve(t)
  const { id } = await forge.comment(`${repo}#1`, 'first')
  server.trouble({ kind: 'lost_answer' }, /^PATCH/, 1)
  await forge.editComment(`${repo}#1`, id, 'edited')
  server.trouble({ kind: 'lost_answer' }, /^POST/, 1)
  await assert.rejects(forge.comment(`${repo}#1`, 'second'), fails('forge_unavailable'))
  assert.deepEqual(
    (await forge.comments(`${repo}#1`)).map(({ body }) => body),
    ['edited', 'second'],
  )
  server.trouble({ kind: 'status', status: 500 }, /^POST/)
  const before = server.log.length
  await assert.rejects(forge.comment(`${repo}#1`, 'third'), fails('forge_failed'))
  assert.equal(server.log.slice(before).filter(({ method }) => method === 'POST').length, 1)
})

test('gitea: a slow answer is forge_timeout, and retries end', async (t) => {
  const { server, forge } = await serve(t, { request_ms: 250, total_ms: 800 })
  server.trouble({ kind: 'slow', ms: 1_000 })
  await assert.rejects(forge.issues(repo, null), fails('forge_timeout', /load of the forge/))
  assert.ok(server.log.length >= 1 && server.log.length <= 4)
})

test('gitea: sends the token to the forge only, in its header', async (t) => {
  const { server, forge } = await serve(t)
  const received: (string | undefined)[] = []
  const thief = createServer((request, response) => {
    received.push(request.headers.authorization)
    response.end('[]')
  })
  await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve))
  t.after(() => void thief.close())
  const location = `http://127.0.0.1:${(thief.address() as AddressInfo).port}/api/v1/x`
  for (const status of [301, 302, 307, 308]) {
    server.trouble({ kind: 'redirect', location, status }, /^/, 1)
    await assert.rejects(forge.issues(repo, null), fails('forge_redirected', /forge\.url/))
    server.trouble({ kind: 'redirect', location, status }, /^/, 1)
    await assert.rejects(forge.comment(`${repo}#1`, 'x'), fails('forge_redirected'))
  }
  server.trouble({ kind: 'redirect', location: '/api/v1/user' })
  await assert.rejects(forge.whoami(), fails('forge_redirected'))
  assert.deepEqual(received, [])
  assert.ok(server.log.every(({ target, authorization }) => !target.includes(token) && authorization === `token ${token}`))
})

test('gitea: reads a token again after the forge refused it', async (t) => {
  const { server } = await serve(t)
  const tokens = ['old', token]
  const forge = openGitea({ url: server.url, token: async () => tokens.shift() ?? '', clock, random: () => 0.5 })
  await assert.rejects(forge.whoami(), fails('forge_auth'))
  assert.equal((await forge.whoami()).login, 'burn')
  assert.equal((await forge.whoami()).login, 'burn')
})

test('gitea: names the scope that the token lacks', async (t) => {
  const { server, forge } = await serve(t)
  server.trouble({
    kind: 'status',
    status: 403,
    message: 'token does not have at least one of required scope(s), required=[read:user], token scope=write:issue',
  })
  await assert.rejects(forge.whoami(), fails('forge_forbidden', /give the token read:user/))
})

test('gitea: reports a bad token, a bad address and no server', async (t) => {
  const { server } = await serve(t)
  const open = (url: string, secret = 'x') =>
    openGitea({ url, token: async () => secret, clock: { now: clock.now, sleep: async () => {} }, random: () => 0.5 })
  for (const secret of ['', ' \n', 'a b', 'é', 'a\nb'])
    await assert.rejects(open(server.url, secret).whoami(), fails('forge_auth', /forge\.token/))
  for (const url of ['', 'forge.example.com', 'ftp://x', `https://me:${token}@forge.example.com`])
    assert.throws(() => open(url), fails('forge_url'))
  await assert.rejects(open('http://127.0.0.1:9').whoami(), fails('forge_unavailable', /forge\.url/))
  assert.equal(open('https://forge.example.com/git/').access(repo, 'main').clone_url, 'https://forge.example.com/git/acme/app.git')
})

test('gitea: sends no more concurrent requests than the budget allows', async (t) => {
  let [running, most] = [0, 0]
  const busy = createServer((_, response) => {
    most = Math.max(most, ++running)
    setTimeout(() => {
      running--
      response.setHeader('content-type', 'application/json').end('{"login":"burn"}')
    }, 10)
  })
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
  t.after(() => void busy.close())
  const url = `http://127.0.0.1:${(busy.address() as AddressInfo).port}`
  const forge = openGitea({ url, token: async () => token, clock, random: () => 0.5, budget: { at_once: 3 } })
  await Promise.all(Array.from({ length: 12 }, () => forge.whoami()))
  assert.equal(most, 3)
})

test('rateLimiter: allows a burst, then paces, and reports once', async () => {
  let now = 0
  const reported: number[] = []
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms
    },
  }
  const take = rateLimiter(60, clock, (ms) => void reported.push(ms))
  for (let i = 0; i < 60; i++) await take()
  assert.equal(now, 0)
  for (let i = 0; i < 30; i++) await take()
  assert.ok(now >= 29_000 && now <= 31_000, `${now}`)
  assert.deepEqual(reported, [1000])
  now += 60_000
  for (let i = 0; i < 60; i++) await take()
  assert.ok(now <= 92_000, 'unused requests are available again')
  const free = rateLimiter(null, clock, () => assert.fail())
  for (let i = 0; i < 1000; i++) await free()
})

test('gitea: of concurrent changes from one branch the first stays open', async (t) => {
  const server = await startGitea({ check: false, latency: 300, repos: [{ name: repo, writers: ['burn'] }], tokens: { [token]: 'burn' } })
  t.after(() => server.close())
  const forge = openGitea({ url: server.url, token: async () => token, clock, random: Math.random })
  const change = { branch: 'burn/0k3v9w2x4abcd', base: 'main', title: 'work', body: 'Closes #1', issue: `${repo}#1` }
  const all = await Promise.allSettled([1, 2, 3].map(() => forge.openChange(repo, change)))
  const pulls = [...(server.state.repos.get(repo)?.items.values() ?? [])]
  assert.deepEqual(
    pulls.map(({ state }) => state),
    ['open', 'closed', 'closed'],
  )
  for (const each of all) if (each.status === 'rejected') fails('forge_conflict')(each.reason)
  const [stays] = all.filter(({ status }) => status === 'fulfilled')
  assert.ok(stays?.status === 'fulfilled' && stays.value.url.endsWith(`/${pulls[0]?.number}`))
  assert.deepEqual(await forge.changeOf(repo, change.branch, 'main'), stays.value)
})
