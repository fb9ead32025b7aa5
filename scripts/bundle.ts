import { chmodSync, copyFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isBuiltin } from 'node:module'
import { rolldown, type OutputChunk, type OutputOptions, type Plugin } from 'rolldown'

const root = resolve(import.meta.dirname, '..')
const source = (name: string) => join(root, 'src', name)

/** Loaded by every command that opens a fleet, and by the one that people call most. */
const often = ['cli/wire.ts', 'cli/commands/status.ts', 'forge/folder.ts']

const output: OutputOptions = {
  format: 'esm',
  entryFileNames: '[name].mjs',
  chunkFileNames: 'chunks/[name].mjs',
  // One byte a character: half the memory, and 5 ms less of each start.
  charset: 'ascii',
  // Names of functions and classes stay, for the lines of an error that is reported; a third less text is read at every start.
  minify: { compress: true, mangle: { keepNames: { function: true, class: true } }, codegen: { removeWhitespace: true } },
}

/**
 * Node's own modules, without the copies of all their exports that `import` makes: these call every lazy getter, and so load what nobody uses (a
 * twelfth of the time of `burn status`).
 */
const builtins: Plugin = {
  name: 'builtins',
  resolveId: (id) => (isBuiltin(id) && id.startsWith('node:') ? `\0${id}` : null),
  async load(id) {
    if (!id.startsWith('\0node:')) return null
    const name = id.slice(1)
    const exported = Object.keys((await import(name)) as object).filter((key) => key !== 'default' && key !== 'module.exports')
    const get = `process.getBuiltinModule(${JSON.stringify(name)})`
    // Loading crypto waits for OpenSSL: it is left to the first call.
    const lines = exported.map((key) =>
      name === 'node:crypto' && /^[a-z]/.test(key)
        ? `export const ${key} = (...given) => ${get}.${key}(...given)`
        : `export const ${key} = /* @__PURE__ */ (() => all.${key})()`,
    )
    return { code: [`const all = /* @__PURE__ */ ${get}`, 'export default all', ...lines].join('\n'), moduleSideEffects: false }
  },
}

/**
 * Bundles the command into a folder: burn.mjs, the chunks that it loads on demand, run.mjs for callers in the same process, and start.mjs, which
 * starts burn.mjs faster.
 */
export async function bundle(dir: string): Promise<void> {
  const build = await rolldown({
    platform: 'node',
    plugins: [builtins],
    input: { burn: source('cli/main.ts'), run: source('cli/run.ts') },
    resolve: {
      alias: {
        // Its `main` is UMD, whose inner requires a bundler can't follow.
        'jsonc-parser': join(root, 'node_modules/jsonc-parser/lib/esm/main.js'),
        // For Node it is CommonJS, of which nothing can be left out: that was an eighth of the file.
        yaml: join(root, 'node_modules/yaml/browser/dist/index.js'),
      },
    },
  })
  // A file costs half a millisecond, however small: modules that are always loaded together share one. To know them takes no small names.
  const { output: chunks } = await build.generate({ ...output, minify: false })
  const all = chunks.filter((chunk) => chunk.type === 'chunk')
  const start = modulesFrom([source('cli/main.ts')], all)
  const fleet = modulesFrom(often.map(source), all)
  const groups = [
    { name: 'start', test: (id: string) => start.has(id) && id !== source('cli/main.ts'), priority: 2 },
    { name: 'fleet', test: (id: string) => fleet.has(id), priority: 1 },
  ]
  rmSync(join(dir, 'chunks'), { recursive: true, force: true })
  await build.write({ ...output, dir, codeSplitting: { groups } })
  await build.close()
  copyFileSync(join(root, 'bin/start.mjs'), join(dir, 'start.mjs'))
  for (const file of ['burn.mjs', 'start.mjs']) chmodSync(join(dir, file), 0o755)
}

/** Every module that is loaded when these are. */
function modulesFrom(modules: readonly string[], chunks: readonly OutputChunk[]): ReadonlySet<string> {
  const loaded = new Set<OutputChunk>()
  const load = (chunk: OutputChunk | undefined) => {
    if (chunk === undefined || loaded.has(chunk)) return
    loaded.add(chunk)
    for (const name of chunk.imports) load(chunks.find(({ fileName }) => fileName === name))
  }
  for (const id of modules) load(chunks.find(({ moduleIds }) => moduleIds.includes(id)))
  return new Set([...loaded].flatMap(({ moduleIds }) => moduleIds))
}
