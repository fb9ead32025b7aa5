/** The keys for an agent of the kind `custom`: the patterns of its screen, and its submit key. */
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
    description: 'Matches some row once the agent is ready. Default: any row that is not blank.',
    examples: ['^my-agent \\d'],
  }),
  composer: composer.meta({
    description:
      'Matches the first row of the composer; the lowest match counts. Its one group is the draft, which may continue in the rows below.',
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
    .meta({ description: 'Match rows that show a running turn.', examples: [['esc to interrupt']] }),
  waiting: z
    .array(pattern)
    .optional()
    .meta({ description: 'Match rows that show an open question.', examples: [['\\(y/n\\)$']] }),
  error: z
    .array(pattern)
    .optional()
    .meta({ description: 'Match rows that show that the last turn failed.', examples: [['^Error: ']] }),
  rows: z
    .int()
    .min(0)
    .max(50)
    .optional()
    .meta({
      description: 'Number of rows above the composer that may show a state. Rows below it always may.',
      default: defaults.stateRows,
      examples: [4],
    }),
})

/** The keys of `agent` that only the kind `custom` uses. */
export const customKeys = {
  patterns: patterns.optional().meta({
    description: 'Kind `custom`: regular expressions for single rows of its screen.',
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
      description: 'Kind `custom`: deprecated, has no effect. burn types only one short line, which no agent replaces with a placeholder.',
      deprecated: true,
      examples: [5],
    }),
}

export type WrittenCustom = z.infer<z.ZodObject<typeof customKeys>>
