import * as z from 'zod'
import { writtenSpec } from './schema.ts'

/** The part of JSON Schema that the spec's schema is made of. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: false | JsonSchema
  readonly items?: JsonSchema
  readonly prefixItems?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
}

/** JSON Schema (draft 2020-12) of a written spec; checked in as `fleet-spec.schema.json`, for editors. */
export function specJsonSchema(): JsonSchema {
  // Narrower than zod's own type, which allows `true` for a schema.
  const schema = z.toJSONSchema(writtenSpec, { target: 'draft-2020-12', io: 'input' }) as JsonSchema
  return { $schema: schema['$schema'], title: 'fleet-spec.json of burn-fleet', ...schema }
}
