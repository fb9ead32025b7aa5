/** Checks requests and answers against Gitea's own description of its API (Swagger 2.0). */
import { existsSync, readFileSync } from 'node:fs'

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'body'
  readonly type?: string
  readonly enum?: readonly string[]
  readonly required?: boolean
  readonly schema?: Schema
}
/** The keywords of the description that restrict a value. */
interface Schema {
  readonly $ref?: string
  readonly type?: 'array' | 'boolean' | 'integer' | 'number' | 'object' | 'string'
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly uniqueItems?: boolean
}
interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly schema?: Schema }>>
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly definitions: Readonly<Record<string, Schema>>
  readonly responses: Readonly<Record<string, { readonly schema?: Schema }>>
}

/** A request of the API, with its answer. */
export interface Exchange {
  readonly method: string
  /** The path below `/api/v1`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
  readonly status: number
  readonly answer: unknown
}

/** Returns the differences between an exchange and the description; none if it conforms. */
export type Conformance = (exchange: Exchange) => readonly string[]

const descriptionFile = new URL('../../../../shared/data/gitea-swagger.json', import.meta.url)

/** Loads the description. Null if it is not on this machine. */
export function openConformance(): Conformance | null {
  if (!existsSync(descriptionFile)) return null
  const description = JSON.parse(readFileSync(descriptionFile, 'utf8')) as Description
  const check: Check = (side, schema, value) =>
    faultsOf(description.definitions, schema, value, { at: '', nullable: side === 'answer' }).map((fault) => `${side} ${fault}`)
  const paths = Object.entries({ ...description.paths, ...newerPaths }).map(([path, operations]) => ({
    // A head or a ref is the rest of its path, and may contain slashes.
    pattern: new RegExp(
      `^${path
        .replaceAll('.', '\\.')
        .replace(/\{(?:head|ref)\}$/, '.+')
        .replace(/\{[^}]+\}/g, '[^/]+')}$`,
    ),
    literal: path.replace(/\{[^}]+\}/g, '').length,
    operations,
  }))
  return (exchange) => {
    const found = paths.filter(({ pattern }) => pattern.test(exchange.path)).toSorted((a, b) => b.literal - a.literal)
    const operation = found.map(({ operations }) => operations[exchange.method.toLowerCase()]).find((each) => each !== undefined)
    const where = `${exchange.method} ${exchange.path}: `
    if (operation === undefined) return [`${where}no such operation`]
    return [...requestFaults(operation, exchange, check), ...answerFaults(operation, description, exchange, check)].map(
      (fault) => where + fault,
    )
  }
}

/** Calls that Gitea has since 1.26. The description is that of 1.25. */
const newerPaths: Description['paths'] = {
  '/repos/{owner}/{repo}/actions/runs/{run}/jobs/{job_id}/rerun': {
    post: { responses: { 201: { schema: { $ref: '#/definitions/ActionWorkflowJob' } } } },
  },
}

type Check = (side: 'answer' | 'request', schema: Schema, value: unknown) => string[]

function requestFaults({ parameters = [] }: Operation, { query, body }: Exchange, check: Check): string[] {
  const faults: string[] = []
  for (const [name, value] of query) {
    const parameter = parameters.find((each) => each.in === 'query' && each.name === name)
    if (parameter === undefined) faults.push(`no query parameter ${name}`)
    else if (parameter.enum !== undefined && !parameter.enum.includes(value))
      faults.push(`${name}=${value} is not one of ${parameter.enum.join(', ')}`)
    else if (parameter.type === 'integer' && !/^\d+$/.test(value)) faults.push(`${name}=${value} is not an integer`)
  }
  const schema = parameters.find((each) => each.in === 'body')?.schema
  if (schema !== undefined) faults.push(...check('request', schema, body))
  else if (body !== null) faults.push('a body that is not described')
  return faults
}

/** Any operation may be refused (401, 403, 429, 5xx) or redirected, whether or not the description says so. */
function answerFaults({ responses }: Operation, description: Description, { status, answer }: Exchange, check: Check): string[] {
  const found = responses[String(status)]
  if (found === undefined) return status >= 300 ? [] : [`status ${status} is not described`]
  const schema = found.schema ?? description.responses[found.$ref?.split('/').at(-1) ?? '']?.schema
  return schema === undefined ? [] : check('answer', schema, answer)
}

/** The place of a value. Answers may have null for an empty property; requests must not. */
interface Place {
  readonly at: string
  readonly nullable: boolean
}

/** Interprets the schema, because compiling one takes longer than all checks of a test. */
function faultsOf(definitions: Description['definitions'], schema: Schema, value: unknown, place: Place): string[] {
  if (schema.$ref !== undefined) return faultsOf(definitions, definitions[schema.$ref.split('/').at(-1) ?? ''] ?? {}, value, place)
  const { at } = place
  if (schema.type !== undefined && !isOfType(schema.type, value)) return [`${at} must be ${schema.type}`]
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${at} must be one of ${schema.enum.join(', ')}`]
  if (typeof value === 'string') return formats[schema.format ?? '']?.test(value) === false ? [`${at} must be a ${schema.format}`] : []
  if (Array.isArray(value)) {
    const repeated = schema.uniqueItems === true && new Set(value.map((item) => JSON.stringify(item))).size < value.length
    const items = value.flatMap((item, index) => faultsOf(definitions, schema.items ?? {}, item, { ...place, at: `${at}/${index}` }))
    return repeated ? [`${at} must not repeat an item`, ...items] : items
  }
  if (typeof value !== 'object' || value === null) return []
  const missing = (schema.required ?? []).filter((name) => !(name in value)).map((name) => `${at} must have ${name}`)
  const inside = Object.entries(value).flatMap(([name, item]) => {
    const its = schema.properties?.[name]
    const below = { ...place, at: `${at}/${name}` }
    if (its !== undefined) return item === null && place.nullable ? [] : faultsOf(definitions, its, item, below)
    if (schema.additionalProperties !== undefined) return faultsOf(definitions, schema.additionalProperties, item, below)
    return schema.properties === undefined ? [] : [`${below.at} is not described`]
  })
  return [...missing, ...inside]
}

function isOfType(type: Schema['type'], value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}

const formats: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/,
  email: /^[^@\s]+@[^@\s]+$/,
}
