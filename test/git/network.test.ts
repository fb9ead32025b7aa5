/** git's way to the forge: a forward proxy, a private CA, and a reverse proxy that asks for a header. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ForgeConfig } from '../../src/core/nouns.ts'
import type { OpenSession } from '../../src/cli/command.ts'
import { gitFor } from '../../src/cli/wire-sprints.ts'
import { openMirror } from '../../src/git/mirror.ts'
import { clock } from '../support/clock.ts'
import { makeCertificates } from '../support/certificates.ts'
import { scratch } from '../support/fleet.ts'
import { startForwardProxy, startReverseProxy } from '../support/http-proxy.ts'
import { openRig, repo, token } from './rig.ts'

test('git: uses proxy, CA file and headers of the forge', async (t) => {
  const { server, home, dir, root } = await openRig(t, { 'a.txt': 'one\n' }, 'http')
  const certificates = makeCertificates(scratch(t), ['forge.test'])
  const secret = 'Basic c2VjcmV0LXZhbHVl'
  const port = await startReverseProxy(t, server.url, { certificates, header: { name: 'x-access', value: secret } })
  const proxy = await startForwardProxy(t, 'ada:hunter2')
  const bin = join(root, 'bin')
  mkdirSync(bin)
  const log = join(root, 'argv.log')
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
  writeFileSync(join(bin, 'git'), `#!/bin/sh\necho "$@" >>${log}\nexec ${real} "$@"\n`, { mode: 0o755 })
  const env = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: home,
    FORGE_TOKEN: token,
    ACCESS: secret,
    https_proxy: `http://ada:hunter2@${proxy.address}`,
  }
  const url = `https://forge.test:${port}`
  const clone = async (more: Partial<ForgeConfig>, to: string) => {
    const forge = { kind: 'gitea', owner: 'acme', url, token: { env: 'FORGE_TOKEN' }, ...more }
    const open = { session: { fleet: { forge }, notify: () => {} } } as unknown as OpenSession
    const mirror = { dir: join(dir, to), repo, clone_url: `${url}/${repo}.git` }
    return openMirror(await gitFor(open, { env, clock, home }), mirror)
  }
  const headers = { 'X-Access': { env: 'ACCESS' } }
  await clone({ headers, ca_file: certificates.ca_file }, 'whole')
  assert.ok(proxy.log.includes(`CONNECT forge.test:${port}`), proxy.log.join())
  await assert.rejects(clone({ headers }, 'no-ca'), /certificate/)
  // git would send the headers to the address of a redirect, too.
  await assert.rejects(clone({ headers: { 'X-Access': { env: 'HOME' } }, ca_file: certificates.ca_file }, 'refused'), /redirect|302/i)
  assert.ok(!proxy.log.some((line) => line.includes('login.test')), proxy.log.join())
  const argv = readFileSync(log, 'utf8')
  for (const each of [secret, token, 'hunter2']) assert.ok(!argv.includes(each), each)
})
