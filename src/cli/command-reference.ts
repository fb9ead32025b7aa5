/** Generates the reference of all commands from the commands themselves, so that the two cannot differ. */
import type { Args } from './args.ts'
import { commonOptions, shapesOf } from './args.ts'
import { deprecatedNames, groups, type Entry } from './catalog.ts'
import { rowsOf } from './help.ts'

/** Returns the reference of all commands as Markdown: the content of `docs/reference/commands.md`. */
export async function commandReference(): Promise<string> {
  const lists = groups.map(({ title, entries }) => `| ${title} | ${entries.map(linkTo).join(', ')} |\n`)
  const sections = await Promise.all(
    groups.map(async ({ title, entries }) => [`## ${title}\n`, ...(await Promise.all(entries.map(sectionOf)))].join('\n')),
  )
  const old = Object.entries(deprecatedNames).map(([name, now]) => `| \`${name}\` | \`burn ${now}\` |\n`)
  return [
    `${head}\n| task | commands |\n|---|---|\n${lists.join('')}`,
    `## Options of every command\n\n${tableOf('option', commonOptions)}`,
    ...sections,
    `${oldNames}\n| old name | command |\n|---|---|\n${old.join('')}`,
  ].join('\n')
}

const linkTo = ({ name }: Entry) => `[${name}](#burn-${name.replaceAll(' ', '-')})`

async function sectionOf({ name, summary, load }: Entry): Promise<string> {
  const { args, notes = [], examples = [] } = await load()
  const forms = shapesOf(args).flatMap(({ arg, names }) => (names.length === 0 ? [arg.form] : []))
  const blocks = [
    `### burn ${name}\n`,
    `${summary}.\n`,
    `Usage: \`${['burn', name, ...forms, '[options]'].join(' ')}\`\n`,
    tableOf('argument', args),
    tableOf('option', args),
    ...notes.map((note) => `${escaped(note)}\n`),
    examples.length === 0 ? '' : `\`\`\`sh\n${examples.join('\n')}\n\`\`\`\n`,
  ]
  return blocks.filter((block) => block !== '').join('\n')
}

function tableOf(kind: 'argument' | 'option', args: Args): string {
  const rows = rowsOf(args, kind).map(
    ([form, meaning]) => `| \`${form.replaceAll('|', '\\|')}\` | ${escaped(meaning).replaceAll('|', '\\|')} |\n`,
  )
  return rows.length === 0 ? '' : `| ${kind} | meaning |\n|---|---|\n${rows.join('')}`
}

/** Returns the text with the characters escaped that Markdown would interpret. */
function escaped(text: string): string {
  return text.replace(/[<*]/g, '\\$&')
}

const head = `# Commands

\`burn --help --markdown\` prints this page. \`burn COMMAND --help\` shows one command. [Output](output.md) describes \`--json\` and exit codes.

In an argument, write the names of machines (\`mac\`), windows (\`mac/CRUCIBLE\`) and workers (\`AZOTH\`) as in the spec. Write an issue as
\`owner/repo#7\` or \`repo#7\`. [Install](../how-to/install.md#completion) explains how to complete these names with Tab.
`

const oldNames = `## Old names

In this release the old names of commands still work. Each use prints a deprecation line on standard error.
`
