/** The keys of `agent` for the kind `custom`: the patterns of the agent's screen, and its submit key. */
import * as z from 'zod'
import { defaults } from './defaults.ts'
import { countGroups, patternError, slowPatternReason } from './pattern.ts'
import { timeSpan } from './values.ts'

const pattern = z
  .string()
  .min(1, 'must not be empty')
  .superRefine((text, context) => {
    const why = patternError(text, 'u')
    const slow = why === null ? slowPatternReason(text) : null
    if (why !== null) context.addIssue(`is not a regular expression: ${why}`)
    else if (slow !== null) context.addIssue(slow)
  })

const composer = pattern.superRefine((text, context) => {
  if (patternError(text, 'u') === null && countGroups(text) !== 1) context.addIssue('must have one group, "(…)", for the draft')
})

const patterns = z.strictObject({
  ready: pattern.optional().meta({
    description: 'Matches a row that the screen shows once the agent is ready for input. Default: any row that is not blank.',
    examples: ['^my-agent \\d'],
  }),
  composer: composer.meta({
    description:
      'Matches the first row of the composer (the input field). If several rows match, burn uses the lowest one. The one group of the pattern matches the draft, which may continue in the rows below.',
    examples: ['^> (.*)$'],
  }),
  below: pattern.optional().meta({
    description: 'Matches the first row below the composer. Default: the composer extends to the last row that is not blank.',
    examples: ['^─{20,}$'],
  }),
  placeholder: pattern.optional().meta({
    description: 'Matches the text that an empty composer shows.',
    examples: ['^Type a message$'],
  }),
  working: z
    .array(pattern)
    .optional()
    .meta({ description: 'Each expression matches a row that the screen shows while the agent works.', examples: [['esc to interrupt']] }),
  waiting: z
    .array(pattern)
    .optional()
    .meta({
      description: 'Each expression matches a row that the screen shows while the agent asks a question.',
      examples: [['\\(y/n\\)$']],
    }),
  error: z
    .array(pattern)
    .optional()
    .meta({ description: 'Each expression matches a row that the screen shows after the last turn failed.', examples: [['^Error: ']] }),
  rows: z
    .int()
    .min(0)
    .max(50)
    .optional()
    .meta({
      description:
        'Number of rows above the composer in which burn looks for the patterns of a state. burn always looks in the rows below the composer.',
      default: defaults.stateRows,
      examples: [4],
    }),
})

/** The keys of `agent` that only the kind `custom` uses. */
export const customKeys = {
  patterns: patterns.optional().meta({
    description: 'Kind `custom`: regular expressions. burn matches each expression against single rows of the screen.',
    examples: [{ composer: '^> (.*)$', working: ['esc to interrupt'] }],
  }),
  submit: z
    .enum(['Enter', 'M-Enter', 'C-j', 'C-d', 'C-s'])
    .optional()
    .meta({ description: 'Kind `custom`: the key that submits the composer.', default: defaults.submit, examples: ['M-Enter'] }),
  submit_delay: timeSpan.optional().meta({
    description: 'Kind `custom`: minimum time between typing a text and pressing the submit key.',
    default: defaults.submitDelay,
    examples: ['1s'],
  }),
  settle: timeSpan.optional().meta({
    description: 'Kind `custom`: deprecated name of `submit_delay`.',
    deprecated: true,
    examples: ['1s'],
  }),
  collapses: z
    .int()
    .min(2)
    .max(10_000)
    .optional()
    .meta({
      description: 'Kind `custom`: deprecated, and has no effect, because burn types only one short line.',
      deprecated: true,
      examples: [5],
    }),
}

export type WrittenCustom = z.infer<z.ZodObject<typeof customKeys>>
