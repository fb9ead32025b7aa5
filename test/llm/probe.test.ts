/** Probes of backends, which cost no tokens. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openBackend } from '../../src/llm/open.ts'
import { at, deps, model, secret } from './rig.ts'

const runner = (models: ReturnType<typeof at>[], testDeps: Parameters<typeof openBackend>[1]) =>
  openBackend({ kind: 'runner', models, hermes_home: '' }, testDeps)

test('probe: passes a listed model, and an endpoint without a list', async (t) => {
  const listed = await model(t, { script: [], models: ['stand-in', 'qwen3:latest'], key: secret })
  const key = { env: 'KEY' }
  assert.equal(await runner([at(listed.url, { key })], deps(t)).probe(), null)
  assert.equal(await runner([at(listed.url, { key, model: 'qwen3' })], deps(t)).probe(), null)
  const bare = await model(t, { script: [], models: null })
  assert.equal(await runner([at(bare.url)], deps(t)).probe(), null)
  assert.equal(listed.requests.length + bare.requests.length, 0)
})

test('probe: one good model is enough; otherwise the first tells why', async (t) => {
  const server = await model(t, { script: [], key: secret })
  const open = await model(t, { script: [] })
  const gone = await model(t, { script: [] })
  await gone.close()
  const classes = async (...models: ReturnType<typeof at>[]) => (await runner(models, deps(t)).probe())?.class ?? null
  assert.equal(await classes(at(server.url)), 'auth')
  assert.equal(await classes(at(open.url, { model: 'other' })), 'model_unknown')
  assert.equal(await classes(at(gone.url)), 'backend_down')
  assert.equal(await classes(at(gone.url), at(server.url)), 'backend_down', 'the failure is that of the first model')
  assert.equal(await classes(at(gone.url), at(open.url)), null)
})

test('probe: times out, and follows no redirect', async (t) => {
  const silent = createServer(() => undefined)
  const moved = createServer((_, response) => void response.writeHead(302, { location: 'http://198.51.100.7/' }).end())
  for (const server of [silent, moved]) {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    t.after(() => void (server.closeAllConnections(), server.close()))
  }
  for (const server of [silent, moved]) {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    assert.equal((await runner([at(`${url}/v1`)], deps(t, { probe_ms: 100 })).probe())?.class, 'backend_down')
    assert.equal(
      (await openBackend({ kind: 'gateway', url, key: null, model: null }, deps(t, { probe_ms: 100 })).probe())?.class,
      'backend_down',
    )
  }
})

test('probe: another server at the address of a gateway is down', async (t) => {
  const page = createServer((_, response) => void response.end('<html>It works!</html>'))
  await new Promise<void>((done) => page.listen(0, '127.0.0.1', done))
  t.after(() => void (page.closeAllConnections(), page.close()))
  const other = await model(t, { script: [] })
  for (const url of [`http://127.0.0.1:${(page.address() as AddressInfo).port}`, other.url])
    assert.equal((await openBackend({ kind: 'gateway', url, key: null, model: null }, deps(t)).probe())?.class, 'backend_down')
})

test('backend: its name says how it is configured', (t) => {
  const testDeps = deps(t)
  assert.equal(runner([at('http://x/v1', { model: 'hermes-4-70b' })], testDeps).name, 'runner hermes-4-70b')
  assert.equal(
    openBackend({ kind: 'gateway', url: 'http://127.0.0.1:8642/', key: null, model: null }, testDeps).name,
    'gateway http://127.0.0.1:8642',
  )
  assert.equal(openBackend({ kind: 'cli', agent: 'claude', command: [], model: null, env: {} }, testDeps).name, 'cli claude')
})
