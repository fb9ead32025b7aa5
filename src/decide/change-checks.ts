/** Judges the checks of a head: which failed, which are pending, and which the base branch requires. */
import type { Check, Protection } from '../core/change-state.ts'

/** Returns the checks that failed. */
export function failedChecks(checks: readonly Check[]): readonly Check[] {
  return checks.filter(({ state }) => state === 'failed')
}

/**
 * The result of all checks of a head. `none`: the head has no checks. `missing`: a required check has not reported. `unclear`: a check was
 * cancelled, or its state is unknown.
 */
export type ChecksVerdict =
  | { readonly is: 'green' | 'none' }
  | { readonly is: 'failed' | 'pending' | 'missing' | 'unclear'; readonly names: readonly string[] }

/** Returns the verdict about all checks of a head, with the names that caused it. */
export function checksVerdict(checks: readonly Check[], protection: Pick<Protection, 'required_checks'> | null): ChecksVerdict {
  const named = (...states: readonly Check['state'][]) => checks.filter(({ state }) => states.includes(state)).map(({ name }) => name)
  const failed = named('failed')
  if (failed.length > 0) return { is: 'failed', names: failed }
  const pending = named('pending')
  if (pending.length > 0) return { is: 'pending', names: pending }
  const unclear = named('cancelled', 'unknown')
  if (unclear.length > 0) return { is: 'unclear', names: unclear }
  const missing = (protection?.required_checks ?? []).filter((glob) => !checks.some(({ name }) => requires(glob, name)))
  if (missing.length > 0) return { is: 'missing', names: missing }
  return checks.length === 0 ? { is: 'none' } : { is: 'green' }
}

/** Returns true if a glob of a required check matches a name. `*` matches any text, also `/`. */
export function requires(glob: string, name: string): boolean {
  const source = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${source.join('.*')}$`, 's').test(name)
}
