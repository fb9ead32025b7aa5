/** Turns the errors that zod reports about a spec into findings that people understand. */
import type * as z from 'zod'
import { nearest } from '../core/suggest.ts'
import { pathText, type PathFinding, type SpecPath } from './findings.ts'
import { specJsonSchema, type JsonSchema } from './schema-json.ts'

type Issue = z.core.$ZodIssue

/**
 * Returns a finding for each error of zod. `written` is the spec that zod checked. Findings repeat its keys and numbers, but no text,
 * because a text may be a misplaced secret.
 */
export function schemaFindings(issues: readonly Issue[], written: unknown): PathFinding[] {
  const schema = specJsonSchema()
  return issues.flatMap((issue) => findingsOf(issue, schema, written))
}

function findingsOf(issue: Issue, root: JsonSchema, written: unknown): PathFinding[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  const schema = schemaAt(root, path, written)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, schema))
  if (issue.code === 'invalid_key') {
    return [{ path, of: 'key', what: `the key "${path.at(-1)}" ${issue.issues[0]?.message ?? issue.message}`, hint: 'rename the key' }]
  }
  const subject = path.length === 0 ? 'the spec' : pathText(path)
  const value = valueAt(written, path)
  const example = exampleOf(root, path, written)
  if (value === undefined) return [{ path, what: `${subject} is missing`, hint: example }]
  return [{ path, what: `${subject} ${mistakeIn(issue, value, schema)}`, hint: suggestionFor(issue, value, schema) ?? example }]
}

function unknownKey(path: SpecPath, key: string, schema: JsonSchema | null): PathFinding {
  const keys = Object.entries(schema?.properties ?? {})
    .filter(([known, value]) => known !== '$schema' && value['deprecated'] !== true)
    .map(([known]) => known)
  const meant = nearest(key, keys)
  const where = path.length === 0 ? '' : ` in ${pathText(path)}`
  const hint = meant === null ? `known keys here: ${keys.join(', ')}` : `did you mean "${meant}"?`
  return { path: [...path, key], of: 'key', what: `unknown key "${key}"${where}`, hint }
}

function mistakeIn(issue: Issue, value: unknown, schema: JsonSchema | null): string {
  if (issue.code === 'invalid_type')
    return `is ${kindOf(value)}, but must be ${expected(schema?.type === 'integer' ? 'int' : issue.expected)}`
  if (issue.code === 'invalid_value' || (issue.code === 'invalid_union' && schema?.enum !== undefined)) {
    return `must be ${anyOf(allowed(schema).map((option) => JSON.stringify(option)))}`
  }
  if (issue.code === 'too_small' && typeof value === 'number')
    return `is ${value}, but must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`
  if (issue.code === 'too_big' && typeof value === 'number') return `is ${value}, and must be at most ${issue.maximum}`
  return issue.message
}

function suggestionFor(issue: Issue, value: unknown, schema: JsonSchema | null): string | null {
  const meant = issue.code.startsWith('invalid_') && typeof value === 'string' ? nearest(value, allowed(schema).map(String)) : null
  return meant === null ? null : `did you mean "${meant}"?`
}

function allowed(schema: JsonSchema | null): readonly unknown[] {
  if (schema?.const !== undefined) return [schema.const]
  return schema?.enum ?? []
}

function anyOf(options: readonly string[]): string {
  return options.length < 2 ? options.join('') : `${options.slice(0, -1).join(', ')} or ${options.at(-1)}`
}

/** Returns a hint with an example for the key at a path, or for its nearest parent that has an example. */
function exampleOf(root: JsonSchema, path: SpecPath, written: unknown): string {
  for (let length = path.length; length > 0; length--) {
    const example = schemaAt(root, path.slice(0, length), written)?.examples?.[0]
    const key = path[length - 1]
    if (example !== undefined && typeof key === 'string') return `for example: "${key}": ${JSON.stringify(example)}`
  }
  return 'for example: {"forge": {…}, "machines": {…}}'
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  const type: string = typeof value
  return { string: 'text', number: 'a number', boolean: 'true or false', object: 'an object' }[type] ?? type
}

function expected(type: string): string {
  const words: Readonly<Record<string, string>> = {
    string: 'text in double quotes',
    number: 'a number',
    int: 'a whole number',
    array: 'a list',
    tuple: 'a list',
    object: 'an object',
    record: 'an object',
  }
  return words[type] ?? type
}

function valueAt(written: unknown, path: SpecPath): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined),
    written,
  )
}

/** Returns the schema of the value at a path; null if the schema has no such path. */
function schemaAt(root: JsonSchema, path: SpecPath, written: unknown): JsonSchema | null {
  let schema: JsonSchema | undefined = root
  let value = written
  for (const step of path) {
    schema = choose(root, schema, value)
    schema = typeof step === 'number' ? (schema?.prefixItems?.[step] ?? schema?.items) : (schema?.properties?.[step] ?? valuesOf(schema))
    value = valueAt(value, [step])
    if (schema === undefined) return null
  }
  return choose(root, schema, value) ?? null
}

function valuesOf(schema: JsonSchema | undefined): JsonSchema | undefined {
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/**
 * Returns the schema that applies to `value`: follows a `$ref`, and chooses the `oneOf` alternative that has the `kind` of the value. If no
 * alternative has that `kind`, the result allows every known `kind`.
 */
function choose(root: JsonSchema, schema: JsonSchema | undefined, value: unknown): JsonSchema | undefined {
  const target = schema?.$ref === undefined ? undefined : root.$defs?.[schema.$ref.replace('#/$defs/', '')]
  if (target !== undefined) return { ...target, ...schema }
  if (schema?.oneOf === undefined) return schema
  const kinds = schema.oneOf.map((option) => option.properties?.['kind']?.const)
  const chosen = schema.oneOf[kinds.indexOf(valueAt(value, ['kind']))]
  return { ...schema, ...(chosen ?? { properties: { kind: { enum: kinds, examples: kinds } } }) }
}
