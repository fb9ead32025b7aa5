/** Reads and parses the sources of the project, with their imports and exports. */
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseSync } from 'oxc-parser'

/** The root of the project. */
export const root = resolve(import.meta.dirname, '../..')

/** A node of the syntax tree. The ESTree and TS-ESTree specifications list the fields of each type. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** A parsed source file. */
export interface Source {
  /** Relative to the project's root, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly body: readonly Node[]
  readonly comments: readonly { readonly value: string; readonly start: number; readonly end: number }[]
  /** All modules in `import`, `export from` and `import()` of a literal. */
  readonly imports: readonly { readonly from: string; readonly start: number }[]
  readonly exports: readonly { readonly name: string; readonly start: number }[]
}

/** A violation of a rule: its place, and how to fix it. */
export interface Problem {
  readonly where: string
  readonly fix: string
}

/** A function that returns the problems of a source. */
export type Rule = (source: Source) => Problem[]

/** Returns a problem at an offset of a source. */
export function problem(source: Pick<Source, 'path' | 'text'>, start: number, fix: string): Problem {
  return { where: `${source.path}:${source.text.slice(0, start).split('\n').length}`, fix }
}

const latest = new Map<string, Source>()

/** Parses a file. Caches the result while the text is the same, because several tests read all files. */
export function parse(path: string, text: string): Source {
  const known = latest.get(path)
  const source = known?.text === text ? known : parseUncached(path, text)
  latest.set(path, source)
  return source
}

function parseUncached(path: string, text: string): Source {
  const { program, module, comments } = parseSync(path, text)
  const body = program.body as unknown as Node[]
  const literal = /^['"](.*)['"]$/
  const lazy = module.dynamicImports.map(({ moduleRequest: { start, end } }) => ({
    from: literal.exec(text.slice(start, end))?.[1] ?? '',
    start,
  }))
  const fromExports = module.staticExports.flatMap(({ entries }) => entries)
  return {
    path,
    text,
    body,
    comments,
    imports: [
      ...module.staticImports.map(({ moduleRequest, start }) => ({ from: moduleRequest.value, start })),
      ...fromExports.flatMap(({ moduleRequest, start }) => (moduleRequest === null ? [] : [{ from: moduleRequest.value, start }])),
      ...lazy.filter(({ from }) => from !== ''),
    ],
    exports: fromExports.flatMap(({ exportName, start }) => (exportName.name === null ? [] : [{ name: exportName.name, start }])),
  }
}

const listed = new WeakMap<object, readonly Node[]>()

/** Returns the given nodes and all nodes below them, parents first. Caches the result for arrays, because many rules need it. */
export function nodesOf(value: unknown): readonly Node[] {
  if (!Array.isArray(value)) return addNodes(value, [])
  const nodes = listed.get(value) ?? addNodes(value, [])
  listed.set(value, nodes)
  return nodes
}

/** Collects nodes in an array. Nested generators are much slower. */
function addNodes(value: unknown, into: Node[]): Node[] {
  if (Array.isArray(value)) for (const each of value) addNodes(each, into)
  else if (isNode(value)) {
    into.push(value)
    for (const field in value) if (field !== 'type') addNodes(value[field], into)
  }
  return into
}

/** Whether a value is a node. */
export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Returns the name of an identifier or of `object.property`, else an empty string. */
export function nameOf(node: unknown): string {
  if (!isNode(node)) return ''
  if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') return String(node['name'])
  if (node.type !== 'MemberExpression' || node['computed'] === true) return ''
  return `${nameOf(node['object'])}.${nameOf(node['property'])}`
}

/** Returns the parsed TypeScript files of folders. */
export function sourcesIn(...folders: string[]): Source[] {
  return filesIn(folders.map((folder) => `${folder}/**/*.ts`)).map(({ path, text }) => parse(path, text))
}

/** Returns the files of the project that match glob patterns. */
export function filesIn(patterns: readonly string[]): { path: string; text: string }[] {
  const paths = globSync([...patterns], { cwd: root, exclude: (name) => name === 'node_modules' || name === 'dist' })
  return paths.toSorted().map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(resolve(root, path), 'utf8') }))
}
