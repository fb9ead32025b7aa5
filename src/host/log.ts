/**
 * Writes the log of a process: one line for each event, as text for people or as JSON for log collectors. Each line is redacted, because
 * error messages of other programs may contain secrets. A library such as pino would take longer to load than a short command runs.
 */
import type { LogLevel } from '../core/events.ts'
import { BurnError } from '../core/errors.ts'
import { withIsoTimes } from '../core/iso-times.ts'
import { redactor } from './redact.ts'

/** One line of the log. */
export interface LogLine {
  readonly level: LogLevel
  /** The name of the worker, issue, machine or other object that the line is about. */
  readonly subject: string
  readonly text: string
  /** Further fields, for JSON only. */
  readonly data: Readonly<Record<string, unknown>>
}

/** The format of the log, and its lowest level. */
export interface LogSettings {
  readonly format: 'text' | 'json'
  /** Lines below this level are left out. */
  readonly level: LogLevel
}

/** The output and clock of the log. */
export interface LogDeps {
  readonly write: (line: string) => void
  readonly now: () => number
  /** Returns the subject with the terminal colours of its level, for the text format. */
  readonly paint: (level: LogLevel, subject: string) => string
}

/** An open log. */
export interface Log {
  readonly say: (line: LogLine) => void
  /** Redacts this secret in every later line. Texts that look like a secret are always redacted. */
  readonly hide: (secret: string) => void
}

const levels: readonly LogLevel[] = ['info', 'warn', 'error']
const formats = ['text', 'json'] as const

/**
 * Returns the settings that the variable `BURN_LOG` contains: a format, a level, or both, as in `json,warn`. Throws BurnError `log_setting`
 * (exit 2).
 */
export function logSettings(written = ''): LogSettings {
  let settings: LogSettings = { format: 'text', level: 'info' }
  for (const word of written.split(',').filter((each) => each !== '')) {
    const [format, level] = [formats.find((each) => each === word), levels.find((each) => each === word)]
    if (format === undefined && level === undefined) {
      const hint = `write some of: ${[...formats, ...levels].join(', ')}`
      throw new BurnError('log_setting', `${JSON.stringify(word)} in BURN_LOG is neither a format nor a level`, hint, { exit: 2 })
    }
    settings = { format: format ?? settings.format, level: level ?? settings.level }
  }
  return settings
}

/** Opens the log of this process. */
export function openLog(settings: LogSettings, { write, now, paint }: LogDeps): Log {
  const secrets: string[] = []
  const hidden = (text: string) => redactor(secrets)(text)
  return {
    hide: (secret) => void secrets.push(secret),
    say({ level, subject, text, data }) {
      if (levels.indexOf(level) < levels.indexOf(settings.level)) return
      const time = new Date(now()).toISOString()
      if (settings.format === 'text') write(`${paint(level, subject)}: ${hidden(text)}`)
      else write(hidden(JSON.stringify(withIsoTimes({ time, level, subject, text, ...data }))))
    },
  }
}
