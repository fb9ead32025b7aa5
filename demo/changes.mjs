/**
 * Finds the change that an issue asks for. It understands five kinds of small changes, as a person would write them. Uses only Node's own
 * modules, and runs under Node 20.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve, sep } from 'node:path'

const file = '`?([\\w][\\w./-]*\\w)`?'

/** Returns the change that a text asks for, as `{ what, files, apply(root) }`; null if the text asks for no change of a known kind. */
export function requestedChange(text) {
  return added(text) ?? removed(text) ?? renamed(text) ?? versioned(text) ?? corrected(text)
}

function added(text) {
  const [, path, body] = new RegExp(`\\badd (?:a|the) file ${file} that says:\\s*\`\`\`\\w*\\n([^]*?)\`\`\``, 'i').exec(text) ?? []
  return path === undefined ? null : { what: `Add ${path}`, files: [path], apply: (root) => write(root, path, body) }
}

function removed(text) {
  const [, path] = new RegExp(`\\bremove the file ${file}`, 'i').exec(text) ?? []
  return path === undefined ? null : { what: `Remove ${path}`, files: [path], apply: (root) => rmSync(within(root, path)) }
}

function renamed(text) {
  const [, from, to, first, second] = new RegExp(`\\brename \`(\\w+)\` to \`(\\w+)\` in ${file}(?: and ${file})?`, 'i').exec(text) ?? []
  if (from === undefined) return null
  const files = [first, second].filter((path) => path !== undefined)
  return {
    what: `Rename ${from} to ${to}`,
    files,
    apply: (root) => files.forEach((path) => replace(root, path, new RegExp(`\\b${from}\\b`, 'g'), to)),
  }
}

function versioned(text) {
  const [, path, version] = new RegExp(`\\bset the version in ${file} to (\\d+\\.\\d+\\.\\d+)`, 'i').exec(text) ?? []
  if (path === undefined) return null
  return { what: `Set the version to ${version}`, files: [path], apply: (root) => replace(root, path, /\b\d+\.\d+\.\d+\b/, version) }
}

function corrected(text) {
  const [, path, wrong, right] = new RegExp(`\\bin ${file} it says "([^"]+)"[^"]*\\bshould (?:be|say) "([^"]+)"`, 'i').exec(text) ?? []
  if (path === undefined) return null
  return { what: `Correct "${wrong}" in ${path}`, files: [path], apply: (root) => replace(root, path, wrong, right) }
}

/** Returns the full path of a file. Throws if it is outside the clone or in `.git`, because the text names it. */
function within(root, path) {
  const full = resolve(root, path)
  if (!full.startsWith(root + sep) || path.split('/').includes('.git')) throw new Error(`${path} is outside the repo`)
  return full
}

function write(root, path, text) {
  const full = within(root, path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(full, text)
}

function replace(root, path, from, to) {
  const before = readFileSync(within(root, path), 'utf8')
  const after = typeof from === 'string' ? before.replaceAll(from, () => to) : before.replace(from, () => to)
  if (after === before) throw new Error(`${path} does not contain the text of the issue`)
  write(root, path, after)
}
