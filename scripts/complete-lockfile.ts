/**
 * Adds to package-lock.json the optional packages that locked packages name but that the registry npm asked did not have: builds
 * for other systems, where a registry mirrors only some. `npm ci` refuses a lockfile without them.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

interface Locked {
  readonly version?: string
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** A build's name ends in its system, e.g. `binding-linux-x64-musl`: what npm needs to leave it out elsewhere. */
function systemOf(name: string): object {
  if (name.endsWith('-wasm32-wasi')) return { cpu: ['wasm32'] }
  const [, os = '', cpu = '', abi = ''] = /-(android|darwin|freebsd|linux|openharmony|win32)-([a-z0-9]+)(?:-([a-z]+))?$/.exec(name) ?? []
  if (os === '') throw new Error(`${name}: which system is it for?`)
  const libc = os === 'linux' ? { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] } : {}
  return { os: [os], cpu: [cpu], ...libc }
}

const file = resolve(import.meta.dirname, '../package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Locked> }
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    lock.packages[`node_modules/${name}`] ??= { version, ...(parent.dev ? { dev: true } : {}), optional: true, ...systemOf(name) } as Locked
  }
}
const [own, ...others] = Object.entries(lock.packages)
const sorted = others.toSorted(([a], [b]) => a.localeCompare(b, 'en'))
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries([own!, ...sorted]) }, null, 2)}\n`)
