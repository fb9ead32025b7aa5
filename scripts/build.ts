/** Bundles the command into one file, dist/burn.mjs, and writes the package.json that is published beside it. */
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'

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

async function bundle(): Promise<void> {
  const build = await rolldown({
    input: join(root, 'src/cli/main.ts'),
    platform: 'node',
    resolve: {
      // Its `main` is UMD, whose inner requires a bundler can't follow.
      alias: { 'jsonc-parser': join(root, 'node_modules/jsonc-parser/lib/esm/main.js') },
    },
  })
  await build.write({
    file: join(dist, 'burn.mjs'),
    format: 'esm',
    codeSplitting: false,
    // Names of functions and classes stay, for the lines of an error that is reported; a third less text is read at every start.
    minify: { compress: true, mangle: { keepNames: { function: true, class: true } }, codegen: { removeWhitespace: true } },
  })
  await build.close()
  chmodSync(join(dist, 'burn.mjs'), 0o755)
}

/** What is published has its dependencies in the bundle, and brings no Node: whoever installs it has one. */
function published(manifest: Manifest): object {
  const { name, version, description, license, type, engines } = manifest
  return { name, version, description, license, type, bin: { burn: 'burn.mjs' }, files: ['burn.mjs'], engines }
}

rmSync(dist, { recursive: true, force: true })
await bundle()
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`)
for (const file of ['README.md', 'LICENSE']) if (existsSync(join(root, file))) copyFileSync(join(root, file), join(dist, file))
console.log(`dist/burn.mjs ${Math.round(statSync(join(dist, 'burn.mjs')).size / 1024)} KB`)
