/** The lockfile must be complete, or `npm ci` refuses it on a fresh machine. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { root } from './sources.ts'

interface Locked {
  readonly integrity?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(resolve(root, file), 'utf8'))
}

test('lockfile: has every optional build for all systems', () => {
  const { packages } = read('package-lock.json') as { packages: Record<string, Locked> }
  const named = Object.values(packages).flatMap((locked) => Object.keys(locked.optionalDependencies ?? {}))
  const missing = named.filter((name) => !(`node_modules/${name}` in packages))
  assert.deepEqual(missing, [], 'run: sh scripts/with-setup.sh node scripts/complete-lockfile.ts')
})

test('lockfile: has the hash of every package', () => {
  const { packages } = read('package-lock.json') as { packages: Record<string, Locked> }
  const without = Object.entries(packages).flatMap(([path, { integrity }]) => (path === '' || integrity !== undefined ? [] : [path]))
  assert.deepEqual(without, [], 'run: sh scripts/with-setup.sh node scripts/complete-lockfile.ts')
})

test('lockfile: agrees with the manifest, and versions are exact', () => {
  const manifest = read('package.json') as Locked
  const { packages } = read('package-lock.json') as { packages: Record<string, Locked> }
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
    assert.deepEqual(packages['']?.[kind], manifest[kind], `${kind}: run npm install`)
    for (const [name, version] of Object.entries(manifest[kind] ?? {}))
      assert.match(version, /^\d+\.\d+\.\d+(?:-[\w.]+)?$/, `${name}: pin it exactly`)
  }
})
