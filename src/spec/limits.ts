/** The schema of the settings that limit usage: `accounts`. */
import * as z from 'zod'
import { line, name } from './values.ts'

/** The schema of `accounts`. */
export const accounts = z.record(
  name,
  z.strictObject({
    workers: z
      .array(line)
      .min(1, 'must name at least one worker')
      .meta({
        description: 'Workers that use the login. A name of a window, lane or machine stands for all workers in it.',
        examples: [['CRUCIBLE', 'AZOTH']],
      }),
  }),
)
