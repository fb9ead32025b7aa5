/** Checks requests and answers against Gitea's own description of its API (Swagger 2.0). */
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { existsSync, readFileSync } from 'node:fs'

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'body'
  readonly type?: string
  readonly enum?: readonly string[]
  readonly required?: boolean
  readonly schema?: Schema
}
type Schema = Readonly<Record<string, unknown>>
interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly schema?: Schema }>>
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly definitions: Readonly<Record<string, Schema>>
  readonly responses: Readonly<Record<string, { readonly schema?: Schema }>>
}

export interface Exchange {
  readonly method: string
  /** Below `/api/v1`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
  readonly status: number
  readonly answer: unknown
}

/** What in an exchange is not as described; nothing where all is. */
export type Conformance = (exchange: Exchange) => readonly string[]

const descriptionFile = new URL('../../../../shared/data/gitea-swagger.json', import.meta.url)

/** Null where the description is not on this machine. */
export function openConformance(): Conformance | null {
  if (!existsSync(descriptionFile)) return null
  const description = JSON.parse(readFileSync(descriptionFile, 'utf8')) as Description
  // Answers give null for what is empty; requests must not.
  const ajv = new Ajv({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema({ $id: 'answer', definitions: definitionsOf(description, true) })
  ajv.addSchema({ $id: 'request', definitions: definitionsOf(description, false) })
  const compiled = new Map<string, ValidateFunction>()
  const check = (side: 'answer' | 'request', schema: Schema, value: unknown): string[] => {
    const key = `${side} ${JSON.stringify(schema)}`
    const validate = compiled.get(key) ?? ajv.compile(pointInto(side, schema, false))
    compiled.set(key, validate)
    return validate(value)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message, params }) => `${side} ${instancePath} ${message} ${JSON.stringify(params)}`)
  }
  const paths = Object.entries(description.paths).map(([path, operations]) => ({
    // A head is the rest of its path: it may have slashes.
    pattern: new RegExp(`^${path.replace(/\{head\}$/, '.+').replace(/\{[^}]+\}/g, '[^/]+')}$`),
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

type Check = (side: 'answer' | 'request', schema: Schema, value: unknown) => string[]

function requestFaults({ parameters = [] }: Operation, { query, body }: Exchange, check: Check): string[] {
  const faults: string[] = []
  for (const [name, value] of query) {
    const parameter = parameters.find((each) => each.in === 'query' && each.name === name)
    if (parameter === undefined) faults.push(`no query parameter ${name}`)
    else if (parameter.enum !== undefined && !parameter.enum.includes(value))
      faults.push(`${name}=${value} is not one of ${parameter.enum.join(', ')}`)
    else if (parameter.type === 'integer' && !/^\d+$/.test(value)) faults.push(`${name}=${value} is no integer`)
  }
  const schema = parameters.find((each) => each.in === 'body')?.schema
  if (schema !== undefined) faults.push(...check('request', schema, body))
  else if (body !== null) faults.push('a body, where none is described')
  return faults
}

/** Any operation may be refused (401, 403, 429, 5xx) or redirected, described or not. */
function answerFaults({ responses }: Operation, description: Description, { status, answer }: Exchange, check: Check): string[] {
  const found = responses[String(status)]
  if (found === undefined) return status >= 300 ? [] : [`status ${status} is not described`]
  const schema = found.schema ?? description.responses[found.$ref?.split('/').at(-1) ?? '']?.schema
  return schema === undefined ? [] : check('answer', schema, answer)
}

function definitionsOf(description: Description, answers: boolean): Record<string, Schema> {
  const side = answers ? 'answer' : 'request'
  return Object.fromEntries(
    Object.entries(description.definitions).map(([name, schema]) => {
      const pointed = pointInto(side, schema, answers)
      return [name, 'properties' in pointed ? { ...pointed, additionalProperties: false } : pointed]
    }),
  )
}

/** The same schema with its references into ours and, where wanted, every property nullable. */
function pointInto(side: string, schema: Schema, nullable: boolean): Schema {
  const walk = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((item) => walk(item, ''))
    if (typeof value !== 'object' || value === null) return key === '$ref' ? String(value).replace('#/', `${side}#/`) : value
    const entries = Object.entries(value).map(([name, item]) => [name, walk(item, name)] as const)
    if (key !== 'properties' || !nullable) return Object.fromEntries(entries)
    return Object.fromEntries(entries.map(([name, item]) => [name, { anyOf: [item, { type: 'null' }] }]))
  }
  return walk(schema, '') as Schema
}
