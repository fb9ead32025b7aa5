/** The JSON Schema of the spec. */
import * as z from 'zod'
import { once } from '../core/memo.ts'
import { writtenSpec } from './schema.ts'

/** The keywords of JSON Schema that the schema of the spec uses. */
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

/**
 * Returns the JSON Schema (draft 2020-12) of the spec: the content of `fleet-spec.schema.json`, which editors use. Building it takes longer
 * than checking a spec.
 */
export const specJsonSchema = once((): JsonSchema => {
  // The cast is safe: the return type of zod also allows the schema `true`, but this schema contains none.
  const schema = z.toJSONSchema(writtenSpec, { target: 'draft-2020-12', io: 'input' }) as JsonSchema
  return { $schema: schema['$schema'], title: 'fleet-spec.json of burn-fleet', ...schema }
})
