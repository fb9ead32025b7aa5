/** Globs over the paths of a repository: `*` and `?` within a name, `**` over any number of folders. */

/** Returns a function that says whether a path matches one of these globs. Both are compared as `foldPath` writes them. */
export function globMatcher(globs: readonly string[]): (path: string) => boolean {
  const pattern = new RegExp(`^(?:${globs.map((glob) => globSource(foldPath(glob))).join('|')})$`, 's')
  return globs.length === 0 ? () => false : (path) => pattern.test(foldPath(path))
}

/**
 * Returns a path as file systems may read it that ignore case, Unicode forms, invisible characters, and dots, spaces and streams at the end of a name. Two
 * names that any of them takes for one are the same here.
 */
function foldPath(path: string): string {
  return path
    .normalize('NFC')
    .replace(/[\u200b-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
    .toLowerCase()
    .split('/')
    .map((name) => (/^[. ]+$/.test(name) ? name : name.replace(/(?:[. ]+|:.*)$/, '')))
    .join('/')
}

function globSource(glob: string): string {
  const parts = glob.split(/(\*\*\/|\/\*\*$|\*\*|\*|\?)/).map((part) => {
    if (part === '**/') return '(?:[^/]+/)*'
    if (part === '/**') return '/.+'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    return part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  })
  return parts.join('')
}
