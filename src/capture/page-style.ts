/** The colours of a saved snapshot's page: it turns the styles of texts into CSS rules. */
import type { Colour, Style } from './styled-rows.ts'
import { isPlain } from './styled-rows.ts'

const defaultForeground = '#d8dee4'
const defaultBackground = '#0d1117'

/** The first 16 colours of the palette. */
const base =
  '#21262d #ff7b72 #3fb950 #d29922 #58a6ff #bc8cff #39c5cf #b1bac4 #6e7681 #ffa198 #56d364 #e3b341 #79c0ff #d2a8ff #56d4dd #f0f6fc'.split(
    ' ',
  )

/** The steps of the colour cube from 16 to 231, as xterm has them. */
const steps = [0, 95, 135, 175, 215, 255]

/** Returns a colour of CSS. */
function cssColour(colour: Colour): string {
  if (typeof colour === 'string') return colour
  if (colour < 16) return base[colour] ?? defaultForeground
  const hex = (...parts: readonly number[]) => `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`
  if (colour >= 232) return hex(...Array.from({ length: 3 }, () => 8 + (colour - 232) * 10))
  return hex(...[36, 6, 1].map((unit) => steps[Math.floor((colour - 16) / unit) % 6] ?? 0))
}

/** Gives each style a class, and collects the CSS rules of the classes. */
export class StyleSheet {
  readonly #classes = new Map<string, string>()

  /** Returns the class of a style; null if the style has no effect. */
  classOf(style: Style): string | null {
    if (isPlain(style)) return null
    const rule = declarations(style)
    const known = this.#classes.get(rule) ?? `s${this.#classes.size}`
    this.#classes.set(rule, known)
    return known
  }

  /** Returns the CSS rules of all classes. */
  css(): string {
    return [...this.#classes].map(([rule, name]) => `.${name}{${rule}}`).join('\n')
  }
}

function declarations({ foreground, background, attributes }: Style): string {
  const has = (code: number) => attributes.includes(code)
  const front = foreground === null ? null : cssColour(foreground)
  const back = background === null ? null : cssColour(background)
  const [color, fill] = has(7) ? [back ?? defaultBackground, front ?? defaultForeground] : [front, back]
  const lines = [has(4) ? 'underline' : '', has(9) ? 'line-through' : '', has(53) ? 'overline' : ''].filter((line) => line !== '')
  return [
    ...(has(8) ? ['color:transparent'] : color === null ? [] : [`color:${color}`]),
    ...(fill === null ? [] : [`background:${fill}`]),
    ...(has(1) ? ['font-weight:bold'] : []),
    ...(has(2) ? ['opacity:.65'] : []),
    ...(has(3) ? ['font-style:italic'] : []),
    ...(lines.length === 0 ? [] : [`text-decoration:${lines.join(' ')}`]),
  ].join(';')
}

/** The rules of the page that do not depend on the snapshot. One row of a pane is `1lh` high. */
export const pageStyle = `
:root{color-scheme:dark}
*{box-sizing:border-box}
body{margin:0;background:#010409;color:${defaultForeground};font:14px/1.5 system-ui,sans-serif}
header{position:sticky;top:0;z-index:3;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;align-items:center;padding:.6rem 1rem;background:#161b22;border-bottom:1px solid #30363d}
h1{font-size:1.05rem;margin:0}
h1 time{font-weight:normal;color:#8b949e;margin-left:.6rem}
header p{margin:0;color:#8b949e}
header input{margin-left:auto;width:18rem;max-width:100%;padding:.3rem .6rem;font:inherit;color:inherit;background:#0d1117;border:1px solid #30363d;border-radius:6px}
output{min-width:9rem;color:#8b949e}
main{padding:0 1rem 3rem}
h2{font-size:1rem;margin:1.4rem 0 .2rem}
h3{font-size:.85rem;font-weight:normal;color:#8b949e;margin:.6rem 0 .3rem}
.note{margin:.2rem 0;color:#e3b341}
ul.note{padding-left:1.2rem}
.scroll{overflow-x:auto}
.frame{position:relative;font:13px/1.17 "DejaVu Sans Mono",Menlo,Consolas,ui-monospace,monospace}
.frame.flow{display:flex;flex-direction:column;gap:.6rem}
.pane{position:absolute;background:${defaultBackground}}
.flow .pane{position:relative;margin-top:1lh}
.pane h4{position:absolute;left:0;right:0;top:-1lh;height:1lh;margin:0;overflow:hidden;white-space:pre;font:inherit;background:#21262d}
.pane button{all:unset;cursor:pointer;padding:0 1ch;width:100%;height:1lh;overflow:hidden;text-overflow:ellipsis}
.pane button:focus-visible{outline:1px solid #58a6ff;outline-offset:-1px}
.screen{height:100%;overflow:hidden auto;scrollbar-width:none}
.r{height:1lh;white-space:pre;overflow:hidden}
.r span,.r i,.r b{display:inline-block;height:1lh;vertical-align:top;white-space:pre}
.r i{width:1ch;font-style:inherit}
.r b{width:2ch;font-weight:inherit}
.old{color:#8b949e}
.hit{background:#533f03;box-shadow:inset 3px 0 #e3b341}
.miss{opacity:.18}
.big{position:fixed!important;left:1rem!important;top:6.5rem!important;width:auto!important;max-width:calc(100vw - 2rem);height:auto!important;z-index:4;font-size:14px;opacity:1;box-shadow:0 0 0 100vmax #010409cc}
.big .screen{max-height:calc(100vh - 8rem);overflow:auto;scrollbar-width:thin}
.idle em{color:#8b949e}.working em{color:#3fb950}.waiting em{color:#e3b341}.starting em{color:#58a6ff}.unknown em{color:#d2a8ff}
.error em,.dead em,.unreachable em{color:#ff7b72}
.waiting h4,.error h4,.dead h4{background:#3d2a12}
em{font-style:normal}
@media print{*{print-color-adjust:exact;-webkit-print-color-adjust:exact}header{position:static}header input,.old{display:none}.miss{opacity:1}.scroll{break-inside:avoid}h2,h3{break-after:avoid}}
`
