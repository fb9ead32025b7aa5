/** Reads the git clones in the folders of workers: which work in them is stored nowhere else, and when git was last used there. */
import type { Machine, Time, Worker, WorkerId } from '../core/nouns.ts'
import { counted, oneLine } from '../core/text.ts'
import { runOn } from '../host/run-on.ts'

/** A clone in the folder of a worker. Null: git could not read it. */
export interface WorkerClone {
  /** The absolute path on the machine. */
  readonly path: string
  readonly branch: string | null
  /** The number of files that are new or changed since the last commit. */
  readonly uncommitted: number | null
  /** The number of commits of local branches, of the present commit and of stashes that no remote branch contains. */
  readonly unpushed: number | null
  /** The time of the last commit, checkout or other change of the present commit. */
  readonly used_at: Time | null
}

/** The folder of a worker. */
export interface WorkerFolder {
  /** The absolute path on the machine. */
  readonly path: string
  readonly exists: boolean
  readonly clones: readonly WorkerClone[]
}

const timeout = 60_000

/**
 * The script. Its arguments: the folders. It prints `folder`, the absolute path and 1 or 0 for each folder, and one line for each clone
 * below it. git runs no hook and no filter that a clone configures: then a filtered file counts as changed. The remote-tracking branches
 * show which commits were pushed, so the script makes no request.
 */
const script = `export GIT_OPTIONAL_LOCKS=0 LC_ALL=C
tab=$(printf '\\t')
in_clone() { git -C "$clone" -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.quotePath=false "$@" 2>/dev/null; }
count() { [ -z "$1" ] && echo 0 && return; printf '%s\\n' "$1" | wc -l | tr -d ' '; }
for dir; do
  case $dir in '~') dir=$HOME ;; '~/'*) dir=$HOME/\${dir#??} ;; esac
  [ -d "$dir" ] && is=1 || is=0
  printf 'folder\\t%s\\t%s\\n' "$dir" "$is"
  [ "$is" = 1 ] || continue
  find "$dir" -maxdepth 4 -name node_modules -prune -o -name .git -prune -print 2>/dev/null | while IFS= read -r git; do
    clone=\${git%/.git}
    case $clone in *"$tab"*) clone=$dir; branch=; changed=; ahead=; used= ;;
    *)
      branch=$(in_clone symbolic-ref --short -q HEAD)
      filters=$(in_clone config --name-only --get-regexp '^filter\\..*\\.(clean|process)$' | sed 's/$/=/')
      set -f; IFS='
'
      set --; for each in $filters; do set -- "$@" -c "$each"; done
      unset IFS; set +f
      changed=$(in_clone "$@" status --porcelain --no-renames --untracked-files=all --ignore-submodules=all) && changed=$(count "$changed") || changed=
      stash=$(in_clone rev-parse -q --verify refs/stash)
      head=$(in_clone rev-parse -q --verify HEAD)
      ahead=$(in_clone rev-list --count --branches $head $stash --not --remotes) || ahead=
      used=$(tail -n 1 "$(in_clone rev-parse --absolute-git-dir)/logs/HEAD" 2>/dev/null | sed -n 's/^[^>]*> \\([0-9]*\\) .*/\\1/p')
    ;; esac
    printf 'clone\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$clone" "$branch" "$changed" "$ahead" "$used"
  done
done
exit 0`

/** Returns the folders of workers on one machine; null if the machine did not answer. */
export async function readFolders(
  machine: Machine,
  workers: readonly Pick<Worker, 'id' | 'dir'>[],
): Promise<Map<WorkerId, WorkerFolder> | null> {
  if (workers.length === 0) return new Map()
  const words = ['sh', '-c', script, 'burn', ...workers.map(({ dir }) => dir)]
  const { code, stdout } = await runOn(machine, words, { timeout_ms: timeout })
  if (code !== 0) return null
  const folders: { path: string; exists: boolean; clones: WorkerClone[] }[] = []
  for (const line of stdout.split('\n')) {
    const [kind, path = '', ...fields] = line.split('\t')
    if (kind === 'folder') folders.push({ path, exists: fields[0] === '1', clones: [] })
    if (kind === 'clone') folders.at(-1)?.clones.push(cloneOf(path, fields))
  }
  return folders.length === workers.length ? new Map(workers.map(({ id }, index) => [id, folders[index]!])) : null
}

function cloneOf(path: string, [branch = '', changed, ahead, used]: readonly string[]): WorkerClone {
  const at = numberOf(used)
  return {
    path: oneLine(path),
    branch: branch === '' ? null : oneLine(branch),
    uncommitted: numberOf(changed),
    unpushed: numberOf(ahead),
    used_at: at === null ? null : at * 1000,
  }
}

const numberOf = (text: string | undefined) => (/^\d{1,15}$/.test(text ?? '') ? Number(text) : null)

/** Returns true if a clone has, or may have, work that is stored nowhere else. */
export function hasOwnWork({ uncommitted, unpushed }: Pick<WorkerClone, 'uncommitted' | 'unpushed'>): boolean {
  return uncommitted !== 0 || unpushed !== 0
}

/** Returns a phrase about the work in a clone that is stored nowhere else. */
export function ownWorkText({ uncommitted, unpushed }: Pick<WorkerClone, 'uncommitted' | 'unpushed'>): string {
  if (uncommitted === null || unpushed === null) return 'burn could not read it'
  const parts = [
    ...(uncommitted > 0 ? [counted(uncommitted, 'uncommitted file')] : []),
    ...(unpushed > 0 ? [counted(unpushed, 'unpushed commit')] : []),
  ]
  return parts.length === 0 ? 'everything is committed and pushed' : parts.join(', ')
}
