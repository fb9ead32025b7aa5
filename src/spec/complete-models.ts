/** Fills in the defaults of the spec's `models`, and finds contradictions in it. */
import type { SecretSource } from '../core/secret-source.ts'
import type { ModelSettings } from '../core/model-settings.ts'
import type { Machine } from '../core/nouns.ts'
import type { PathFinding } from './findings.ts'
import type { WrittenSpec } from './schema.ts'
import { ollamaUrl } from '../core/model-settings.ts'
import { nearest } from '../core/suggest.ts'
import { completeModel } from './complete-sprint.ts'
import { defaults } from './defaults.ts'
import { durationMs } from './units.ts'

/** Returns the settings of models with every default filled in. */
export function completeModels({ models = {} }: Pick<WrittenSpec, 'models'>): ModelSettings {
  const { chain = [], servers = [], breaker = {} } = models
  return {
    chain: chain.map(({ role, url = ollamaUrl, ...model }) => ({ ...completeModel({ ...model, url }), role })),
    servers: servers.map(({ machine, url, key }) => {
      // The cast is safe: the schema allows only one source of a secret, but its type can't express that.
      return { machine: machine ?? null, url: url.replace(/\/+$/, ''), key: (key as SecretSource | undefined) ?? null }
    }),
    fresh: durationMs(models.fresh ?? defaults.modelFresh),
    timeout: durationMs(models.timeout ?? defaults.modelTimeout),
    load_timeout: durationMs(models.load_timeout ?? defaults.modelLoadTimeout),
    breaker: {
      failures: breaker.failures ?? defaults.breakerFailures,
      pause: durationMs(breaker.pause ?? defaults.breakerPause),
    },
  }
}

/** Returns a finding for each server on a machine that does not exist, and for each step that repeats an earlier one. */
export function modelFindings({ models = {} }: Pick<WrittenSpec, 'models'>, machines: readonly Machine[]): PathFinding[] {
  const names = machines.map(({ name }) => name)
  const unknown = (models.servers ?? []).flatMap(({ machine }, index): PathFinding[] => {
    if (machine === undefined || names.includes(machine)) return []
    const near = nearest(machine, names)
    const hint = near === null ? 'write the name of a machine, or delete "machine"' : `did you mean "${near}"?`
    return [{ path: ['models', 'servers', index, 'machine'], what: `the fleet has no machine ${machine}`, hint }]
  })
  const { chain } = completeModels({ models })
  const repeated = chain.flatMap(({ model, url }, index): PathFinding[] => {
    const earlier = chain.findIndex((step) => step.model === model && step.url === url)
    if (earlier === index) return []
    const what = `step ${earlier + 1} of the chain has the same model and URL`
    return [{ path: ['models', 'chain', index, 'model'], what, hint: 'delete one of the two steps' }]
  })
  return [...unknown, ...repeated]
}
