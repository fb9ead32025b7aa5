/** The remedies for repos that burn cannot work on. Hints, back-offs and `burn doctor` share these texts. */

/** The remedy for each problem of a repo on the forge. */
export const repoAdvice = {
  archived: 'unarchive the repo, or remove it from "repos" in the spec',
  issues_off: 'enable the issue tracker of the forge in the settings of the repo, or remove the repo from "repos" in the spec',
  changes_off: 'enable pull requests in the settings of the repo, or remove the repo from "repos" in the spec',
  branch_in_the_way: 'rename or delete that branch, or set "branch_prefix" in "dispatch" of the spec',
  missing: 'correct "repos" in the spec, or give the account access',
} as const
