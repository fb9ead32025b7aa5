/** Reads the memory of a machine. If a control group limits the memory, as in a container, burn counts the limit and not the whole machine. */

/** The memory (bytes) that programs on a machine can use; null if the machine does not report it. */
export interface MachineMemory {
  readonly total: number | null
  readonly free: number | null
  /** True if `total` is the limit of a control group, so that the machine itself has more. */
  readonly limited: boolean
}

/**
 * A script that prints the memory of the whole machine (KiB). For each control group above the shell, it prints the limit, the use and the
 * reclaimable cache (bytes). In a container, the root of the mounted hierarchy is the container's own group, and the path may not exist
 * below it.
 */
export const memoryScript = `if [ -r /proc/meminfo ]; then
  sed -n -e 's/^MemTotal: *\\([0-9]*\\) kB/memory_total \\1/p' -e 's/^MemAvailable: *\\([0-9]*\\) kB/memory_free \\1/p' /proc/meminfo
  sed -n -e 's/^0::/:/p' -e 's|^[0-9]*:[^:]*memory[^:]*:|/memory:|p' /proc/self/cgroup 2>/dev/null | while IFS=: read -r hierarchy path; do
    path=\${path%/}
    while :; do
      group=/sys/fs/cgroup$hierarchy$path limit= used=
      for file in memory.max memory.limit_in_bytes; do [ ! -r "$group/$file" ] || read -r limit <"$group/$file"; done
      for file in memory.current memory.usage_in_bytes; do [ ! -r "$group/$file" ] || read -r used <"$group/$file"; done
      case $limit in '' | *[!0-9]*) ;; *)
        cache=$(sed -n -e '/^total_inactive_file /h; /^inactive_file /h' -e '\${x; s/^[a-z_]* //p;}' "$group/memory.stat" 2>/dev/null)
        echo "memory_group $limit $used $cache" ;;
      esac
      [ -n "$path" ] || break
      path=\${path%/*}
    done
  done
else m=$(sysctl -n hw.memsize 2>/dev/null) && echo "memory_total $((m / 1024))"
  vm_stat 2>/dev/null | awk '/page size of/ {s=$8} /^Pages (free|inactive|speculative)/ {n+=$NF} END {if (s) printf "memory_free %.0f\\n", n*s/1024}'
fi`

/** Returns the memory in the output of `memoryScript`. Ignores all other lines. */
export function parseMemory(output: string): MachineMemory {
  const bytesOf = (name: string) => {
    const kib = new RegExp(`^memory_${name} (\\d+)$`, 'm').exec(output)?.[1]
    return kib === undefined ? null : Number(kib) * 1024
  }
  const total = bytesOf('total')
  // A group without a limit has no number, or in version 1 a number that is larger than any memory.
  const groups = [...output.matchAll(/^memory_group (\d+) (\d+) (\d*)$/gm)]
    .map(([, limit, used, cache]) => ({ limit: Number(limit), free: Math.max(0, Number(limit) - Number(used) + Number(cache)) }))
    .filter(({ limit }) => total === null || limit < total)
  const smallest = (whole: number | null, ofGroups: readonly number[]) => (whole === null ? null : Math.min(whole, ...ofGroups))
  return {
    total: smallest(
      total,
      groups.map(({ limit }) => limit),
    ),
    free: smallest(
      bytesOf('free'),
      groups.map(({ free }) => free),
    ),
    limited: groups.length > 0,
  }
}
