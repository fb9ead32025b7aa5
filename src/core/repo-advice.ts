/** Advice for repos that burn cannot work on. Hints, back-offs and `burn doctor` use the same words. */

/** The remedy for each state of a repo on the forge. */
export const repoAdvice = {
  archived: 'unarchive it, or remove it from "repos" in the spec',
  issues_off: 'enable the issue tracker of the forge in its settings, or remove it from "repos" in the spec',
  missing: 'correct "repos" in the spec, or give the account access',
} as const
