/** Old names of JSON fields. burn prints a renamed field under both names for one release (docs/reference/output.md). */

/** The old names of renamed fields, by command and new name. */
const oldNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  doctor: { remedy: 'mend' },
  explain: { backed_off: 'resting', backoff: 'rests', comment_state: 'comment_says' },
  ledger: { comment_state: 'comment_says' },
  simulate: { wait_p50: 'wait_half', wait_p90: 'wait_nine_tenths' },
  status: { backed_off: 'resting' },
  'worker loop': { pause_reason: 'rests' },
}

/** Returns a copy of a command's JSON result in which each renamed field is also present under its old name. */
export function withOldFields(command: string, result: unknown): unknown {
  const names = oldNames[command]
  return names === undefined ? result : copyOf(result, names)
}

function copyOf(value: unknown, names: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((each) => copyOf(each, names))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).flatMap(([key, each]) => {
    const copy = copyOf(each, names)
    const old = names[key]
    return old === undefined
      ? [[key, copy]]
      : [
          [key, copy],
          [old, copy],
        ]
  })
  return Object.fromEntries(fields)
}
