/** The types of values in the spec. Each has the message that burn shows for an invalid value. */
import * as z from 'zod'
import { durationPattern, sizePattern } from './units.ts'

const controls = /^[^\u0000-\u001f\u007f-\u009f]*$/
export const line = z.string().min(1, 'must not be empty').regex(controls, 'must not contain control characters')

/** A name that is part of tmux targets, paths and ids. tmux and other programs cannot mistake it for an option or for tmux syntax. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    'must be 1 to 64 letters (a to z, A to Z), digits, "_" or "-", and start with a letter or a digit',
  )
export const repo = z
  .string()
  .regex(/^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)?(?!\.{1,2}$)[A-Za-z0-9._][A-Za-z0-9._-]*$/, 'must be the name of a repo, or "owner/name"')
export const repos = z.array(repo)
export const owner = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'must be a user or an organisation of the forge')
export const host = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9_][A-Za-z0-9._+-]*@)?[A-Za-z0-9_:][A-Za-z0-9._:-]*$/,
    'must be a host for ssh, or "user@host", without options or spaces',
  )
export const argv = z.tuple(
  [line.regex(/^[^-]/, 'must be a program, not an option')],
  z.string().regex(/^[^\u0000]*$/, 'must not contain a NUL character'),
)
export const env = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable: letters, digits and "_"'),
  z.string().regex(/^[^\u0000]*$/, 'must not contain a NUL character'),
)
export const dir = z.string().regex(/^(?:~|~?\/[^\u0000-\u001f\u007f]*)$/, 'must be an absolute path, or start with "~/"')
export const glyph = z
  .string()
  .min(1, 'must not be empty')
  .max(16, 'must be one symbol of at most 16 UTF-16 code units')
  .regex(/^[^\u0000-\u0020\u007f-\u009f#%{},"'\\]*$/, 'must be a symbol without spaces, control characters or tmux format syntax')
const durationMessage = 'must be a duration: "60s", "24h", "1h30m", "2d", or a number of seconds'
export const timeSpan = z.union([z.string().regex(durationPattern, durationMessage), z.number().positive(durationMessage)], durationMessage)
export const size = z.string().regex(sizePattern, 'must be a size: "64kB", "512MB", "4GB"')
export const hours = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be two times of day: "22:00-07:00"')
export const role = z.enum(['worker', 'council', 'sentinel'])
export const depth = z.int().min(1).max(100)
export const words = z.array(line)
export const priorityLabels = z.array(z.union([line, words.min(1, 'must have at least one label')], 'must be a label, or a list of labels'))
