/** Bundles the command with rolldown. */
import { chmodSync, copyFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isBuiltin } from 'node:module'
import { rolldown, type OutputOptions, type Plugin } from 'rolldown'

const root = resolve(import.meta.dirname, '..')
const source = (name: string) => join(root, 'src', name)

/** Entry modules of the chunk that every command with a fleet loads. It includes `burn status`, the command that people run most. */
const fleetModules = ['cli/wire.ts', 'cli/commands/status.ts', 'forge/folder.ts'].map(source)
/** The entry module of the chunk that finds and reads the spec. Completion loads this chunk, but no fleet. */
const specModules = [source('cli/fleet-names.ts')]
/** Entry modules of the chunk that every command loads. */
const startModules = [source('cli/main.ts')]

const output: OutputOptions = {
  format: 'esm',
  entryFileNames: '[name].mjs',
  chunkFileNames: 'chunks/[name].mjs',
  // ASCII needs one byte per character, which saves memory and start time.
  charset: 'ascii',
  // Minify, because less text loads faster. Keep names of functions and classes for stack traces.
  minify: { compress: true, mangle: { keepNames: { function: true, class: true } }, codegen: { removeWhitespace: true } },
}

/** Names that the bundle does not export. Node loads its HTTP client for `fetch` at the first read of the last three. */
const unread = new Set(['default', 'module.exports', 'WebSocket', 'CloseEvent', 'MessageEvent'])

/**
 * Replaces imports of Node modules by `process.getBuiltinModule`. A real `import` reads all exports, which calls lazy getters and loads
 * unused code at each start.
 */
const builtins: Plugin = {
  name: 'builtins',
  // `require` returns the module itself, which may be a function. An import has the module's exports as names.
  resolveId: (id, _, { kind }) => {
    if (!isBuiltin(id) || !id.startsWith('node:')) return null
    return kind === 'require-call' ? `\0require:${id}` : `\0${id}`
  },
  async load(id) {
    if (id.startsWith('\0require:')) return `module.exports = process.getBuiltinModule(${JSON.stringify(id.slice('\0require:'.length))})`
    if (!id.startsWith('\0node:')) return null
    const name = id.slice(1)
    const exported = Object.keys((await import(name)) as object).filter((key) => !unread.has(key))
    const get = `process.getBuiltinModule(${JSON.stringify(name)})`
    // Load crypto at its first call, because loading it initializes OpenSSL, which is slow.
    const lines = exported.map((key) =>
      name === 'node:crypto' && /^[a-z]/.test(key)
        ? `export const ${key} = (...given) => ${get}.${key}(...given)`
        : `export const ${key} = /* @__PURE__ */ (() => all.${key})()`,
    )
    return { code: [`const all = /* @__PURE__ */ ${get}`, 'export default all', ...lines].join('\n'), moduleSideEffects: false }
  },
}

/** Static imports by module. */
type Imports = Map<string, readonly string[]>

/** Records the static imports of each module. */
const recordImports = (imports: Imports): Plugin => ({
  name: 'imports',
  moduleParsed: ({ id, importedIds }) => void imports.set(id, importedIds),
})

/**
 * Bundles the command into a folder: burn.mjs, its lazy chunks, run.mjs for callers in the same process, and start.mjs, which starts
 * burn.mjs with a compile cache.
 */
export async function bundle(dir: string): Promise<void> {
  const imports: Imports = new Map()
  const build = await rolldown({
    platform: 'node',
    plugins: [builtins, recordImports(imports)],
    input: { burn: source('cli/main.ts'), run: source('cli/run.ts') },
    // The oldest Node that package.json allows does not know newer syntax, such as `using`.
    transform: { target: 'node22.19' },
    resolve: {
      alias: {
        // The `main` of this package is UMD, and the bundler cannot follow its `require` calls.
        'jsonc-parser': join(root, 'node_modules/jsonc-parser/lib/esm/main.js'),
        // The Node build of this package is CommonJS, and the bundler cannot remove unused code from it.
        yaml: join(root, 'node_modules/yaml/browser/dist/index.js'),
      },
    },
  })
  // Each file takes time to load, so modules that always load together share a chunk. rolldown has parsed all modules before it asks.
  const reachable = new Map<readonly string[], ReadonlySet<string>>()
  const isBelow = (id: string, entries: readonly string[]) => {
    const known = reachable.get(entries) ?? modulesFrom(entries, imports)
    reachable.set(entries, known)
    return known.has(id)
  }
  const groups = [
    { name: 'start', test: (id: string) => isBelow(id, startModules) && id !== source('cli/main.ts'), priority: 3 },
    { name: 'spec-file', test: (id: string) => isBelow(id, specModules), priority: 2 },
    // The runtime of rolldown imports `node:module`. In the chunk `fleet`, which imports the runtime, this would be a cycle.
    { name: 'fleet', test: (id: string) => isBelow(id, fleetModules) && id !== '\0node:module', priority: 1 },
  ]
  rmSync(join(dir, 'chunks'), { recursive: true, force: true })
  await build.write({ ...output, dir, codeSplitting: { groups } })
  await build.close()
  copyFileSync(join(root, 'bin/start.mjs'), join(dir, 'start.mjs'))
  for (const file of ['burn.mjs', 'start.mjs']) chmodSync(join(dir, file), 0o755)
}

/** Bundles a small program into one file. */
export async function bundleScript(input: string, file: string): Promise<void> {
  const build = await rolldown({ input, platform: 'node', plugins: [builtins] })
  await build.write({ file, format: 'esm', codeSplitting: false })
  await build.close()
}

/** Returns the given modules and all modules that they import statically, directly or indirectly. */
function modulesFrom(modules: readonly string[], imports: Imports): ReadonlySet<string> {
  const found = new Set<string>()
  const add = (id: string) => {
    if (found.has(id)) return
    found.add(id)
    for (const imported of imports.get(id) ?? []) add(imported)
  }
  for (const id of modules) add(id)
  return found
}
