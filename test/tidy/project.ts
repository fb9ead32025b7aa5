/** Rules across files: every file is used, every name is unique, and documents name only what exists. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, posix, resolve } from 'node:path'
import { problem, root, type Problem, type Source } from './sources.ts'

type Text = Pick<Source, 'path' | 'text'>

/** Reports files that no import reaches from the entry. */
export function deadFiles(sources: readonly Source[], entry: string): Problem[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const reached = new Set<string>()
  const visit = (path: string): void => {
    const source = byPath.get(path)
    if (source === undefined || reached.has(path)) return
    reached.add(path)
    for (const { from } of source.imports) if (from.startsWith('.')) visit(posix.join(posix.dirname(path), from))
  }
  visit(entry)
  return sources
    .filter(({ path }) => !reached.has(path))
    .map((source) => problem(source, 0, `no import reaches it from ${entry}: use it or delete it`))
}

/** Reports import cycles, including type imports, each as a list of files. `known`: allowed pairs, as `a b`. */
export function circles(sources: readonly Source[], known: readonly string[]): Problem[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const done = new Set<string>()
  const found: Problem[] = []
  const visit = (source: Source, path: readonly string[]): void => {
    const begun = path.indexOf(source.path)
    if (begun >= 0) found.push(problem(source, 0, `an import cycle: ${[...path.slice(begun), source.path].join(' → ')}`))
    if (begun >= 0 || done.has(source.path)) return
    for (const { from } of source.imports) {
      const next = byPath.get(posix.join(posix.dirname(source.path), from))
      if (next !== undefined && !known.includes(`${source.path} ${next.path}`)) visit(next, [...path, source.path])
    }
    done.add(source.path)
  }
  for (const source of sources) visit(source, [])
  return found
}

/** Reports names that two files export. A type and a value of one file may share a name. */
export function namesAreUnique(sources: readonly Source[]): Problem[] {
  const first = new Map<string, Source>()
  return sources.flatMap((source) =>
    source.exports.flatMap(({ name, start }) => {
      const other = first.get(name)
      if (other === undefined) first.set(name, source)
      return other === undefined || other === source
        ? []
        : [problem(source, start, `${name} is also exported by ${other.path}: one name for one thing`)]
    }),
  )
}

/** Reports links to files and headings of this project that do not exist. */
export function linksResolve(document: Text): Problem[] {
  const prose = document.text.replace(/```[\s\S]*?```|`[^`\n]*`/g, (code) => code.replace(/[^\n]/g, ' '))
  return [...prose.matchAll(/\]\(([^)\s]+)\)|(?:src|href|srcset)="([^"\s]+)"/g)].flatMap((match) => {
    const target = match[1] ?? match[2] ?? ''
    if (/^[a-z]+:/.test(target)) return []
    const [file = '', anchor] = target.split('#')
    const path = resolve(root, dirname(document.path), file)
    if (file !== '' && !existsSync(path)) return [problem(document, match.index, `${target} leads nowhere: fix the link`)]
    if (anchor === undefined) return []
    const headings = headingsOf(file === '' ? document.text : readFileSync(path, 'utf8'))
    return headings.has(anchor) ? [] : [problem(document, match.index, `there is no heading #${anchor}: fix the link`)]
  })
}

/** Reports files and folders that a document names in `code` and that do not exist. Ignores paths with `*`. */
export function pathsExist(document: Text): Problem[] {
  return [...document.text.matchAll(/`((?:src|docs|scripts|bench|demo|examples)\/[\w./-]*)`/g)].flatMap((match) =>
    existsSync(resolve(root, match[1] ?? '')) ? [] : [problem(document, match.index, `there is no ${match[1]}: name a file that exists`)],
  )
}

/** The same for paths below `src/` that a document names without `src/`. Ignores paths with `*` or `NAME`. */
export function sourcePathsExist(document: Text): Problem[] {
  const folders = readdirSync(resolve(root, 'src')).join('|')
  const named = new RegExp(`\`((?:${folders})/[\\w./-]*)\``, 'g')
  return [...document.text.matchAll(named)].flatMap((match) => {
    const path = `src/${match[1] ?? ''}`
    const exists = path.includes('NAME') || existsSync(resolve(root, path))
    return exists ? [] : [problem(document, match.index, `there is no ${path}: name a file that exists`)]
  })
}

/** Reports documents that an index does not link. Paths are relative to the root of the project. */
export function indexIsWhole(index: Text, paths: readonly string[]): Problem[] {
  const linked = new Set([...index.text.matchAll(/\]\(([^)#\s]+)/g)].map((match) => posix.join(posix.dirname(index.path), match[1] ?? '')))
  return paths
    .filter((path) => !linked.has(path))
    .map((path) => problem(index, 0, `${path} is not listed: add a link with a line about it`))
}

function headingsOf(text: string): Set<string> {
  const titles = [...text.matchAll(/^#+ +(.+)$/gm)].map((match) => match[1] ?? '')
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replace(/ /g, '-'),
    ),
  )
}

/** Reports commands of burn and npm that do not exist, in `code` and at the start of lines in code blocks. */
export function commandsExist(document: Text, commands: readonly string[], scripts: ReadonlySet<string>): Problem[] {
  const shown = /(?:`|^ *(?:\$ )?(?:\.\/bin\/|npx )?)(burn|npm run) ([a-z][\w:-]*)(?: ([a-z]+))?/gm
  const blocks = [...document.text.matchAll(/```[\s\S]*?```/g)]
  const isCode = (at: number) => blocks.some(({ index, 0: block }) => index < at && at < index + block.length)
  const found = [...document.text.matchAll(shown)].filter(({ index, 0: text }) => text.startsWith('`') || isCode(index))
  return found.flatMap((match) => {
    const [, program = '', first = '', second] = match
    // A word that begins several commands may stand alone or before the second word.
    const words = second === undefined || commands.includes(first) ? first : `${first} ${second}`
    const exists = program === 'burn' ? commands.some((name) => `${name} `.startsWith(`${words} `)) : scripts.has(first)
    const name = program === 'burn' ? words : first
    return exists
      ? []
      : [problem(document, match.index + match[0].search(/\S/), `there is no \`${program} ${name}\`: name one that exists`)]
  })
}

/** Reports absolute paths of one machine, which mean nothing on another. */
export function noMachinePaths(file: Text): Problem[] {
  const path = /(?<![\w.~*-])\/(?:work|root)\/\w/g
  const beside = file.path.startsWith('test/') ? [] : [...file.text.matchAll(/\.\.\/shared\b/g)]
  return [...file.text.matchAll(path), ...beside].map((match) =>
    problem(file, match.index, `${match[0]}… is a path of one machine: leave it out`),
  )
}

/** Reports a document that is too long. */
export function fitsIn(lines: number, document: Text): Problem[] {
  const has = document.text.trimEnd().split('\n').length
  return has < lines ? [] : [problem(document, 0, `${has} lines: it must have fewer than ${lines}`)]
}
