/** Ways to a forge: a forward proxy, a private CA, and a reverse proxy that asks for a header. Real servers on loopback. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ForgeSettings } from '../../src/spec/forges.ts'
import { BurnError } from '../../src/core/errors.ts'
import { openForge } from '../../src/forge/index.ts'
import { readSecret } from '../../src/host/secrets.ts'
import { clock } from '../support/clock.ts'
import { makeCertificates } from '../support/certificates.ts'
import { scratch } from '../support/fleet.ts'
import { startForwardProxy, startReverseProxy } from '../support/http-proxy.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'

const repo = 'acme/app'
type Env = Readonly<Record<string, string>>

/** Starts a stand-in forge. `open` opens it with further settings; requests get the variables of `env`. */
async function serve(t: TestContext) {
  const server = await startGitea({ check: false, repos: [{ name: repo, writers: ['burn'] }] })
  t.after(() => server.close())
  const env = { FORGE_TOKEN: server.token }
  const open = (url: string, more: Partial<ForgeSettings['gitea']> = {}, variables: Env = {}) =>
    openForge(
      'gitea',
      { kind: 'gitea', owner: 'acme', url, token: { env: 'FORGE_TOKEN' }, ...more },
      {
        branch_prefix: 'burn/',
        env: variables,
        clock: { ...clock, sleep: async () => {} },
        random: () => 0,
        onWait: () => {},
        git: () => assert.fail(),
        secret: (source, form) => readSecret(source, { home: '/', env }, form),
      },
    )
  const whoami = async (url: string, variables: Env, more: Partial<ForgeSettings['gitea']> = {}) =>
    (await (await open(url, more, variables)).whoami()).login
  return { server, env, open, whoami, port: new URL(server.url).port }
}

/** Checks the code, the message and the hint of an error. */
const fails =
  (code: string, message: RegExp, hint: RegExp, secret = 'hunter2') =>
  (thrown: unknown) => {
    assert.ok(thrown instanceof BurnError, String(thrown))
    assert.equal(thrown.code, code, thrown.message)
    assert.match(thrown.message, message)
    assert.match(thrown.hint, hint)
    assert.ok(!`${thrown.message} ${thrown.hint}`.includes(secret))
    return true
  }

test('proxy: burn reaches a forge through it, with its login', async (t) => {
  const { whoami, port } = await serve(t)
  const proxy = await startForwardProxy(t, 'ada:hunter2')
  assert.equal(await whoami(`http://forge.test:${port}`, { http_proxy: `http://ada:hunter2@${proxy.address}` }), 'burn')
  assert.deepEqual(proxy.log, [`GET http://forge.test:${port}/api/v1/user`])
})

test('proxy: https uses a tunnel, and trusts only the CA file', async (t) => {
  const { whoami, server } = await serve(t)
  const certificates = makeCertificates(scratch(t), ['forge.test'])
  const port = await startReverseProxy(t, server.url, { certificates })
  const proxy = await startForwardProxy(t)
  const env = { HTTPS_PROXY: proxy.address }
  const url = `https://forge.test:${port}`
  assert.equal(await whoami(url, env, { ca_file: certificates.ca_file }), 'burn')
  assert.deepEqual(proxy.log, [`CONNECT forge.test:${port}`])
  await assert.rejects(whoami(url, env), fails('forge_unavailable', /certificate/, /forge\.ca_file/))
})

test('proxy: an error names the proxy without its password', async (t) => {
  const { whoami } = await serve(t)
  const proxy = await startForwardProxy(t, 'ada:other')
  for (const url of ['http://forge.test', 'https://forge.test'])
    await assert.rejects(
      whoami(url, { all_proxy: `http://ada:hunter2@${proxy.address}` }),
      fails('forge_unavailable', new RegExp(`through the proxy ${proxy.address}: .*407`), /no_proxy/),
    )
  for (const value of ['socks5://ada:hunter2@proxy.test', 'http://ada:hunter2@:x'])
    await assert.rejects(whoami('http://forge.test', { http_proxy: value }), fails('proxy_invalid', /http_proxy/, /http:\/\/proxy/))
})

test('ca_file: burn trusts a private CA, and reports a useless file', async (t) => {
  const { whoami, server } = await serve(t)
  const dir = scratch(t)
  const certificates = makeCertificates(dir, ['localhost'])
  const url = `https://localhost:${await startReverseProxy(t, server.url, { certificates })}`
  assert.equal(await whoami(url, {}, { ca_file: certificates.ca_file }), 'burn')
  await assert.rejects(whoami(url, {}), fails('forge_unavailable', /certificate/, /forge\.ca_file/))
  const ca_file = join(dir, 'none.pem')
  await assert.rejects(whoami(url, {}, { ca_file }), fails('forge_ca_file', /none\.pem.*ENOENT/, /forge\.ca_file/))
  writeFileSync(ca_file, 'not a certificate\n')
  await assert.rejects(whoami(url, {}, { ca_file }), fails('forge_ca_file', /none\.pem has no certificate/, /forge\.ca_file/))
})

test('headers: burn sends them, and reads replaced ones again', async (t) => {
  const { open, env, server } = await serve(t)
  const header = { name: 'x-access', value: 'Basic hunter2' }
  const url = `http://localhost:${await startReverseProxy(t, server.url, { header })}`
  Object.assign(env, { ACCESS: 'Basic hunter2\n' })
  const forge = await open(url, { headers: { 'X-Access': { env: 'ACCESS' } } })
  assert.equal((await forge.whoami()).login, 'burn')
  header.value = 'Basic hunter3'
  await assert.rejects(forge.whoami(), fails('forge_redirected', /login\.test/, /forge\.headers/))
  Object.assign(env, { ACCESS: 'Basic hunter3' })
  assert.equal((await forge.whoami()).login, 'burn')
  Object.assign(env, { ACCESS: 'a\nb' })
  await assert.rejects(
    (await open(url, { headers: { 'X-Access': { env: 'ACCESS' } } })).whoami(),
    fails('secret_malformed', /ACCESS/, /one line/),
  )
})
