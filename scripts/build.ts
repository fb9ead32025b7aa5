/** Bundles the command into dist/, and writes the package.json to publish. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bundle } from './bundle.ts'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'dist')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly type: string
  readonly engines: Readonly<Record<string, string>>
}

/** Returns the package.json to publish. It has no dependencies, because the bundle contains them. */
function published(manifest: Manifest): object {
  const { name, version, description, license, type, engines } = manifest
  return { name, version, description, license, type, bin: { burn: 'start.mjs' }, files: ['burn.mjs', 'start.mjs', 'chunks'], engines }
}

rmSync(dist, { recursive: true, force: true })
await bundle(dist)
writeFileSync(join(dist, 'chunks/options.txt'), execFileSync(process.execPath, [join(dist, 'burn.mjs'), '__complete', '--table']))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`)
for (const file of ['README.md', 'LICENSE']) if (existsSync(join(root, file))) copyFileSync(join(root, file), join(dist, file))
const sizes = ['burn.mjs', ...globSync('chunks/*', { cwd: dist })].map((name) => statSync(join(dist, name)).size)
console.log(`dist/ ${sizes.length} files, ${Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1024)} KB`)
