/**
 * Bundles the packages that have the most files. Loading them file by file takes a quarter of a second in each process of the tests, and
 * most processes need them.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = resolve(import.meta.dirname, '..')
/** The file of each package from which rolldown begins. The Node build of yaml is CommonJS, whose exports an import does not see. */
const entries = { kysely: 'kysely', yaml: join(root, 'node_modules/yaml/browser/dist/index.js'), zod: 'zod' }

/** Bundles the packages into a folder in `cache`, unless it has them already. Returns the folder. */
export async function bundlePackages(cache: string): Promise<string> {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(readFileSync(import.meta.filename))
  const kept = join(cache, `packages-${hash.digest('hex').slice(0, 16)}`)
  if (existsSync(kept)) return kept
  mkdirSync(cache, { recursive: true })
  const made = mkdtempSync(`${kept}-`)
  // Loaded here, because every process of the tests loads this file.
  const { rolldown } = await import('rolldown')
  const build = await rolldown({ cwd: root, platform: 'node', input: entries })
  await build.write({ dir: made, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' })
  await build.close()
  try {
    renameSync(made, kept)
  } catch (thrown) {
    // A concurrent run renamed its folder first.
    if (!existsSync(kept)) throw thrown
    rmSync(made, { recursive: true })
  }
  return kept
}

/** Lets imports of the packages load their bundles in this folder. */
export function useBundledPackages(folder: string): void {
  const urls = new Map(Object.keys(entries).map((name) => [name, pathToFileURL(join(folder, `${name}.mjs`)).href]))
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = urls.get(specifier)
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true }
    },
  })
}
