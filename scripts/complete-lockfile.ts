/**
 * Completes package-lock.json. npm leaves out optional packages of other systems if its registry mirrors only some of them, and `npm ci`
 * refuses such a lockfile. The script adds these packages, and asks the registry for each missing hash (`integrity`): without one, npm does
 * not check the package.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

interface Locked {
  readonly version?: string
  readonly integrity?: string
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/**
 * Returns the `os`, `cpu` and `libc` of a build from its name, such as `binding-linux-x64-musl`. npm uses these fields to skip the build on
 * other systems.
 */
function systemOf(name: string): object {
  if (name.endsWith('-wasm32-wasi')) return { cpu: ['wasm32'] }
  const [, os = '', cpu = '', abi = ''] = /-(android|darwin|freebsd|linux|openharmony|win32)-([a-z0-9]+)(?:-([a-z]+))?$/.exec(name) ?? []
  if (os === '') throw new Error(`${name}: its name has no known system`)
  const libc = os === 'linux' ? { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] } : {}
  return { os: [os], cpu: [cpu], ...libc }
}

/** Returns the hash of a package's archive from the registry. Throws if the registry has no hash. */
async function integrityOf(name: string, version: string): Promise<string> {
  const answer = await fetch(`${registry}/${name.replace('/', '%2f')}`)
  const { versions } = (await answer.json()) as { versions?: Record<string, { dist?: { integrity?: string } }> }
  const integrity = versions?.[version]?.dist?.integrity
  if (integrity === undefined) throw new Error(`${name}@${version}: the registry has no hash`)
  return integrity
}

const file = resolve(import.meta.dirname, '../package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Locked> }
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    lock.packages[`node_modules/${name}`] ??= { version, ...(parent.dev ? { dev: true } : {}), optional: true, ...systemOf(name) } as Locked
  }
}
const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim().replace(/\/$/, '')
await Promise.all(
  Object.entries(lock.packages).map(async ([path, locked]) => {
    if (path === '' || locked.integrity !== undefined) return
    const integrity = await integrityOf(path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length), locked.version ?? '')
    const { version = '', ...rest } = locked
    lock.packages[path] = { version, integrity, ...rest }
  }),
)
const [own, ...others] = Object.entries(lock.packages)
const sorted = others.toSorted(([a], [b]) => a.localeCompare(b, 'en'))
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries([own!, ...sorted]) }, null, 2)}\n`)
