/** Globs over the paths of a repository: `*` and `?` within a name, `**` over any number of folders. */

/** Returns whether a path matches one of these globs, as `foldPath` writes both. */
export function matchesGlob(path: string, globs: readonly string[]): boolean {
  const folded = foldPath(path)
  return globs.some((glob) => globPattern(foldPath(glob)).test(folded))
}

/**
 * Returns a path as file systems may read it that ignore case, Unicode forms, invisible characters, and dots, spaces and streams at the end of a name. Two
 * names that any of them takes for one are the same here.
 */
export function foldPath(path: string): string {
  return path
    .normalize('NFC')
    .replace(/[\u200b-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
    .toLowerCase()
    .split('/')
    .map((name) => (/^[. ]+$/.test(name) ? name : name.replace(/(?:[. ]+|:.*)$/, '')))
    .join('/')
}

function globPattern(glob: string): RegExp {
  const parts = glob.split(/(\*\*\/|\/\*\*$|\*\*|\*|\?)/).map((part) => {
    if (part === '**/') return '(?:[^/]+/)*'
    if (part === '/**') return '/.+'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    return part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`, 's')
}
