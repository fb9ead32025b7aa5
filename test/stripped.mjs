/**
 * Removes the types from the TypeScript sources once for all processes of the tests, because Node takes up to a second for them in each
 * process. As a program, this file writes the sources without types to the folder BURN_STRIPPED. As a preloaded module, it lets imports
 * load them from there. Node itself removes the types of a source that is not there.
 */
import { hash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = resolve(import.meta.dirname, '..')
const folder = process.env.BURN_STRIPPED

/** Returns the file that has a source without types. */
const fileOf = (source) => join(folder, `${hash('sha1', process.version + source)}.js`)

function stripAll() {
  mkdirSync(folder, { recursive: true })
  const left = new Set(readdirSync(folder).map((name) => join(folder, name)))
  for (const path of globSync(['src/**/*.ts', 'test/**/*.ts', 'demo/**/*.ts', 'scripts/**/*.ts'], { cwd: root })) {
    const source = readFileSync(join(root, path), 'utf8')
    const file = fileOf(source)
    left.delete(file)
    if (existsSync(file)) continue
    const made = `${file}-${process.pid}`
    writeFileSync(made, stripTypeScriptTypes(source))
    renameSync(made, file)
  }
  for (const old of left) rmSync(old, { force: true })
}

function useStripped() {
  const sources = pathToFileURL(join(root, '/')).href
  registerHooks({
    load: (url, context, next) => {
      if (!url.startsWith(sources) || !url.endsWith('.ts')) return next(url, context)
      const file = fileOf(readFileSync(new URL(url), 'utf8'))
      return existsSync(file) ? { format: 'module', source: readFileSync(file, 'utf8'), shortCircuit: true } : next(url, context)
    },
  })
}

if (process.argv[1] === import.meta.filename) stripAll()
else if (folder !== undefined) useStripped()
