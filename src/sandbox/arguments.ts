/** The arguments of a tool call: describes the arguments to the model as JSON Schema, and checks the arguments that the model sends. */
import { oneLine } from '../core/text.ts'
import { ToolError } from './paths.ts'

export interface Field {
  readonly type: 'string' | 'integer' | 'boolean'
  readonly description: string
  readonly optional?: true
  /** The smallest valid integer. */
  readonly minimum?: number
}

export type ArgumentFields = Readonly<Record<string, Field>>

interface Values {
  readonly string: string
  readonly integer: number
  readonly boolean: boolean
}

/** The checked argument values by name; null if an optional argument is missing. */
export type ArgumentValues<F extends ArgumentFields> = {
  readonly [K in keyof F]: Values[F[K]['type']] | (F[K] extends { readonly optional: true } ? null : never)
}

/** Returns a JSON Schema that describes the fields. */
export function parametersOf(fields: ArgumentFields): Readonly<Record<string, unknown>> {
  const properties = Object.entries(fields).map(([name, { type, description, minimum }]) => [
    name,
    { type, description, ...(minimum === undefined ? {} : { minimum }) },
  ])
  const required = Object.entries(fields).flatMap(([name, { optional }]) => (optional === true ? [] : [name]))
  return { type: 'object', properties: Object.fromEntries(properties), required, additionalProperties: false }
}

/** Returns the checked arguments. Throws a ToolError that lists every problem. */
export function argumentsOf<F extends ArgumentFields>(fields: F, args: unknown): ArgumentValues<F> {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) throw new ToolError('the arguments must be a JSON object')
  const values = new Map(Object.entries(args))
  const unknown = [...values.keys()]
    .filter((name) => !Object.hasOwn(fields, name))
    .map((name) => `there is no argument ${oneLine(name, 60)}`)
  const problems = Object.entries(fields).flatMap(([name, field]) => problemsOf(name, field, values.get(name)))
  if (unknown.length + problems.length > 0)
    throw new ToolError(`${[...unknown, ...problems].join('; ')}. The arguments are: ${Object.keys(fields).join(', ')}`)
  // The loop above has checked each argument value against the field with the same name.
  return Object.fromEntries(Object.keys(fields).map((name) => [name, values.get(name) ?? null])) as ArgumentValues<F>
}

function problemsOf(name: string, { type, optional, minimum }: Field, value: unknown): string[] {
  if (value === undefined || value === null) return optional === true ? [] : [`${name} is missing`]
  const isValid = type === 'integer' ? Number.isSafeInteger(value) : typeof value === type
  if (!isValid) return [`${name} must be ${type === 'integer' ? 'an integer' : `a ${type}`}`]
  return minimum !== undefined && Number(value) < minimum ? [`${name} must be at least ${minimum}`] : []
}
