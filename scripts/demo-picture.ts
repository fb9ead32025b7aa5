/** Runs the demo in a private terminal, and draws its last screen: node scripts/demo-picture.ts → docs/demo.svg */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endServer } from '../demo/burn.ts'
import { widthOf } from '../src/cli/wrap.ts'
import { runProcess } from '../src/host/exec.ts'
import { shellWord } from '../src/host/quote.ts'

const root = resolve(import.meta.dirname, '..')
const columns = 132
const longest = 90_000
/** The mark that the terminal prints, with the exit code, when the demo has ended. */
const endMark = 'demo-picture-end'

interface Span {
  readonly text: string
  readonly column: number
  readonly colour: string
  readonly bold: boolean
}

const palette: Readonly<Record<number, string>> = {
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#76e3ea',
  90: '#8b949e',
}
const plain = '#e6edf3'
const size = { font: 14, cell: 8.43, row: 20, edge: 20, bar: 34 }

async function tmux(socket: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess(['tmux', '-u', '-L', socket, ...words], { timeout_ms: 10_000 })
  if (code !== 0) throw new Error(`tmux ${words[0] ?? ''}: ${stderr}`)
  return stdout
}

/** Runs the demo, and returns the rows of its last screen, with colour sequences. */
async function record(): Promise<string[]> {
  const socket = `burn-picture-${randomBytes(4).toString('hex')}`
  const demo = [process.execPath, join(root, 'demo/main.ts')].map(shellWord).join(' ')
  try {
    await tmux(
      socket,
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      '-x',
      String(columns),
      '-y',
      '50',
      `unset NO_COLOR; env -u TMUX ${demo}; echo ${endMark} $?; exec cat`,
    )
    for (const end = Date.now() + longest; ; await sleep(250)) {
      const screen = await tmux(socket, 'capture-pane', '-e', '-p', '-J', '-S', '-', '-t', ':')
      const [, code] = new RegExp(`^${endMark} (\\d+)`, 'm').exec(screen) ?? []
      if (code === '0') return screen.slice(0, screen.indexOf(endMark)).trimEnd().split('\n')
      if (code !== undefined || Date.now() > end) throw new Error(`the demo failed:\n${screen}`)
    }
  } finally {
    await endServer({ socket, env: process.env as Record<string, string> }, process.getuid?.() ?? 0)
  }
}

/**
 * Splits terminal lines into spans of one style. A style continues on the next line, as tmux prints it. Gaps of two or more blanks also
 * split, so that columns align in any font.
 */
function spansOf(lines: readonly string[]): Span[][] {
  let colour = plain
  let bold = false
  return lines.map((line) => {
    const spans: Span[] = []
    let column = 0
    for (const [, codes, text = ''] of line.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)/g)) {
      for (const code of (codes?.split(';') ?? []).map(Number)) {
        if (code === 0) [colour, bold] = [plain, false]
        else if (code === 1 || code === 22) bold = code === 1
        else if (code === 39 || palette[code] !== undefined) colour = palette[code] ?? plain
      }
      for (const part of text.split(/( {2,})/)) {
        if (part.trim() !== '') spans.push({ text: part, column, colour, bold })
        column += widthOf(part)
      }
    }
    return spans
  })
}

const escaped = (text: string) => text.replace(/[&<>]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[char] ?? char)

function draw(lines: readonly string[]): string {
  const width = Math.ceil(columns * size.cell + 2 * size.edge)
  const height = lines.length * size.row + size.bar + size.edge
  const rows = spansOf(lines).flatMap((pieces, index) => {
    const y = size.bar + (index + 1) * size.row - 5
    const spans = pieces.map(({ text, column, colour, bold }) => {
      return `<tspan x="${(size.edge + column * size.cell).toFixed(1)}" fill="${colour}"${bold ? ' font-weight="bold"' : ''}>${escaped(text)}</tspan>`
    })
    return spans.length === 0 ? [] : [`<text y="${y}" xml:space="preserve">${spans.join('')}</text>`]
  })
  const dots = ['#ff5f56', '#ffbd2e', '#27c93f'].map((fill, index) => `<circle cx="${22 + index * 20}" cy="18" r="6" fill="${fill}"/>`)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The demo's terminal: which worker did which issue, on which branch">`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    ...dots,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${size.font}">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

const lines = await record()
mkdirSync(join(root, 'docs'), { recursive: true })
writeFileSync(join(root, 'docs/demo.svg'), draw(['$ npm run demo', ...lines]))
