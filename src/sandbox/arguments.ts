/** What a model gives to a tool: described for it, and checked before it is used. */
import { oneLine } from '../core/text.ts'
import { ToolError } from './paths.ts'

export interface Field {
  readonly type: 'string' | 'integer' | 'boolean'
  readonly description: string
  readonly optional?: true
  /** Of an integer. */
  readonly least?: number
}

export type ArgumentFields = Readonly<Record<string, Field>>

interface Values {
  readonly string: string
  readonly integer: number
  readonly boolean: boolean
}

/** What is given for the fields; null for an optional one that is not. */
export type Given<F extends ArgumentFields> = {
  readonly [K in keyof F]: Values[F[K]['type']] | (F[K] extends { readonly optional: true } ? null : never)
}

/** The fields as JSON Schema. */
export function parametersOf(fields: ArgumentFields): Readonly<Record<string, unknown>> {
  const properties = Object.entries(fields).map(([name, { type, description, least }]) => [
    name,
    { type, description, ...(least === undefined ? {} : { minimum: least }) },
  ])
  const required = Object.entries(fields).flatMap(([name, { optional }]) => (optional === true ? [] : [name]))
  return { type: 'object', properties: Object.fromEntries(properties), required, additionalProperties: false }
}

/** The arguments, each of its type. Throws Refusal that names all that is wrong with them. */
export function argumentsOf<F extends ArgumentFields>(fields: F, args: unknown): Given<F> {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) throw new ToolError('the arguments must be a JSON object')
  const given = new Map(Object.entries(args))
  const unknown = [...given.keys()]
    .filter((name) => !Object.hasOwn(fields, name))
    .map((name) => `there is no argument ${oneLine(name, 60)}`)
  const wrong = Object.entries(fields).flatMap(([name, field]) => complaint(name, field, given.get(name)))
  if (unknown.length + wrong.length > 0)
    throw new ToolError(`${[...unknown, ...wrong].join('; ')}. The arguments are: ${Object.keys(fields).join(', ')}`)
  // Each argument was checked against its field above.
  return Object.fromEntries(Object.keys(fields).map((name) => [name, given.get(name) ?? null])) as Given<F>
}

function complaint(name: string, { type, optional, least }: Field, value: unknown): string[] {
  if (value === undefined || value === null) return optional === true ? [] : [`${name} is missing`]
  const fits = type === 'integer' ? Number.isSafeInteger(value) : typeof value === type
  if (!fits) return [`${name} must be ${type === 'integer' ? 'an integer' : `a ${type}`}`]
  return least !== undefined && Number(value) < least ? [`${name} must be at least ${least}`] : []
}
