/** Decides from which URL burn fetches a submodule. The URLs in `.gitmodules` are content of the repo, so they get no access to this machine. */

/** A URL from which burn may fetch a submodule. */
export interface SubmoduleUrl {
  readonly url: string
  /** Whether the URL is on the server of the repo itself, so that git may use the same keys and files. */
  readonly same_server: boolean
}

/**
 * Returns the URL for a submodule; null if burn must not fetch it. A relative URL means the server of the repo. burn turns ssh URLs into
 * https URLs, or into URLs of the forge if they name its host. It refuses local paths and other protocols.
 */
export function submoduleUrl(written: string, clone_url: string, forge_url: string | null): SubmoduleUrl | null {
  if (/[\s\0-\x1f\x7f]/.test(written)) return null
  if (/^\.\.?\//.test(written)) return relativeUrl(written, clone_url)
  const [, sshHost, sshPath] =
    /^ssh:\/\/(?:[\w.-]+@)?([\w.-]+)(?::\d+)?\/([^:]+)$/i.exec(written) ?? /^(?:[\w.-]+@)?([\w.-]+):(?!\/)([^:]+)$/.exec(written) ?? []
  if (sshHost !== undefined && sshPath !== undefined) return { url: `${httpServer(sshHost, forge_url)}/${sshPath}`, same_server: false }
  return /^https?:\/\/[^@]+$/i.test(written) && URL.canParse(written) ? { url: written, same_server: false } : null
}

/** Returns the URL of the forge if `host` is its host; otherwise the https URL of `host`. */
function httpServer(host: string, forge_url: string | null): string {
  const isForge = forge_url !== null && URL.canParse(forge_url) && new URL(forge_url).hostname === host.toLowerCase()
  return isForge ? forge_url.replace(/\/+$/, '') : `https://${host}`
}

/** Resolves a URL such as `../lib.git` as git does. Returns null if the URL leaves the folder of the owners, or contains `..` later. */
function relativeUrl(written: string, clone_url: string): SubmoduleUrl | null {
  const [, up = '', rest = ''] = /^((?:\.\.?\/)+)(.*)$/.exec(written) ?? []
  const parents = up.split('/').filter((part) => part === '..').length
  if (parents > 2 || rest === '' || rest.split('/').some((part) => part === '..' || part === '')) return null
  let [base, separator] = [clone_url.replace(/\/+$/, ''), '/']
  for (let level = 0; level < parents; level++) {
    const at = base.lastIndexOf('/') === -1 ? base.lastIndexOf(':') : base.lastIndexOf('/')
    separator = base.charAt(at)
    base = base.slice(0, at)
  }
  const url = `${base}${separator}${rest}`
  const leaves = URL.canParse(clone_url) && (!URL.canParse(url) || new URL(url).host !== new URL(clone_url).host)
  return leaves ? null : { url, same_server: true }
}
