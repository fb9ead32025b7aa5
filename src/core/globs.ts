/** Globs for the paths of a repository: `*` and `?` match within a name, `**` matches any number of folders. */

/** Returns a function that tells whether a path matches one of these globs. `foldPath` normalizes paths and globs before the comparison. */
export function globMatcher(globs: readonly string[]): (path: string) => boolean {
  const pattern = new RegExp(`^(?:${globs.map((glob) => globSource(foldPath(glob))).join('|')})$`, 's')
  return globs.length === 0 ? () => false : (path) => pattern.test(foldPath(path))
}

/**
 * Returns a normal form of a path. Some file systems ignore case, Unicode forms, invisible characters, or dots, spaces and streams at the
 * end of a name. Two paths that any of these file systems treats as one have the same form.
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
