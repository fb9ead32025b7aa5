/** The project's sources as the rules see them: parsed, with what each imports and exports. */
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseSync } from 'oxc-parser'

export const root = resolve(import.meta.dirname, '../..')

/** A node of the syntax tree; what each type has beyond this is in the ESTree and TS-ESTree specifications. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

export interface Source {
  /** Relative to the project's root, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly body: readonly Node[]
  readonly comments: readonly { readonly value: string; readonly start: number; readonly end: number }[]
  /** Every module that is named: by an import, an export from, or an import() of a literal. */
  readonly imports: readonly { readonly from: string; readonly start: number }[]
  readonly exports: readonly { readonly name: string; readonly start: number }[]
}

/** What a rule found: where, and what to do about it. */
export interface Problem {
  readonly where: string
  readonly fix: string
}

export type Rule = (source: Source) => Problem[]

export function problem(source: Pick<Source, 'path' | 'text'>, start: number, fix: string): Problem {
  return { where: `${source.path}:${source.text.slice(0, start).split('\n').length}`, fix }
}

export function parse(path: string, text: string): Source {
  const parsed = parseSync(path, text)
  const body = parsed.program.body as unknown as Node[]
  const literal = /^['"](.*)['"]$/
  const lazy = parsed.module.dynamicImports.map(({ moduleRequest: { start, end } }) => ({
    from: literal.exec(text.slice(start, end))?.[1] ?? '',
    start,
  }))
  const fromExports = parsed.module.staticExports.flatMap(({ entries }) => entries)
  return {
    path,
    text,
    body,
    comments: parsed.comments,
    imports: [
      ...parsed.module.staticImports.map(({ moduleRequest, start }) => ({ from: moduleRequest.value, start })),
      ...fromExports.flatMap(({ moduleRequest, start }) => (moduleRequest === null ? [] : [{ from: moduleRequest.value, start }])),
      ...lazy.filter(({ from }) => from !== ''),
    ],
    exports: fromExports.flatMap(({ exportName, start }) => (exportName.name === null ? [] : [{ name: exportName.name, start }])),
  }
}

/** Every node below (and with) the given ones, parents first. A list, where generators in generators took six times as long. */
export function nodesOf(value: unknown, into: Node[] = []): Node[] {
  if (Array.isArray(value)) for (const each of value) nodesOf(each, into)
  else if (isNode(value)) {
    into.push(value)
    for (const field in value) if (field !== 'type') nodesOf(value[field], into)
  }
  return into
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The name of an identifier or of `object.property`, else an empty string. */
export function nameOf(node: unknown): string {
  if (!isNode(node)) return ''
  if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') return String(node['name'])
  if (node.type !== 'MemberExpression' || node['computed'] === true) return ''
  return `${nameOf(node['object'])}.${nameOf(node['property'])}`
}

/** The project's TypeScript in the given folders. */
export function sourcesIn(...folders: string[]): Source[] {
  return filesIn(folders.map((folder) => `${folder}/**/*.ts`)).map(({ path, text }) => parse(path, text))
}

export function filesIn(patterns: readonly string[]): { path: string; text: string }[] {
  const paths = globSync([...patterns], { cwd: root, exclude: (name) => name === 'node_modules' || name === 'dist' })
  return paths.toSorted().map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(resolve(root, path), 'utf8') }))
}
