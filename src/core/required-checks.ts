/** Compares the checks of a commit with those that a base branch requires. */
import type { Check } from './change-state.ts'

/**
 * Returns the required globs that are not met, in their order. A glob is met if it matches the name of at least one check, and each
 * matching check has passed or was skipped. `*` matches any text, and `?` one character.
 */
export function missingChecks(required: readonly string[], checks: readonly Check[]): string[] {
  return required.filter((glob) => {
    const pattern = patternOf(glob)
    const found = checks.filter(({ name }) => pattern.test(name))
    return found.length === 0 || found.some(({ state }) => state !== 'passed' && state !== 'skipped')
  })
}

function patternOf(glob: string): RegExp {
  const parts = glob.split(/([*?])/).map((part) => (part === '*' ? '.*' : part === '?' ? '.' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&')))
  return new RegExp(`^${parts.join('')}$`, 's')
}
