/**
 * Writes a saved snapshot as one HTML page that looks like the panes. The page loads nothing, and its policy allows only its own style
 * sheet and its own script. All text is escaped.
 */
import { createHash } from 'node:crypto'
import type { PaneWindow } from '../core/panes.ts'
import type { FleetSnapshot, MachineRecord, PaneSnapshot } from './snapshot.ts'
import type { StyledRow } from './styled-rows.ts'
import { counted, escapeHtml } from '../core/text.ts'
import { segmentsOf, segmentWidth } from '../core/width.ts'
import { pageStyle, StyleSheet } from './page-style.ts'

/** Searches the rows, shows the number of hits, and enlarges a pane on a click. */
const script = `
const input=document.querySelector('input'),count=document.querySelector('output')
const panes=[...document.querySelectorAll('.pane')].map((pane)=>({pane,name:pane.querySelector('h4').textContent.toLowerCase(),
  rows:[...pane.querySelectorAll('.r')].map((row)=>({row,text:row.textContent.toLowerCase()}))}))
const search=()=>{
  const word=input.value.toLowerCase()
  let rows=0,shown=0
  for(const each of panes){
    const hits=each.rows.filter(({row,text})=>{const hit=word!==''&&text.includes(word);row.classList.toggle('hit',hit);return hit})
    const found=word===''||hits.length>0||each.name.includes(word)
    each.pane.classList.toggle('miss',!found)
    rows+=hits.length
    shown+=found
    if(hits.length>0)hits[hits.length-1].row.parentNode.scrollTop=hits[hits.length-1].row.offsetTop
  }
  count.textContent=word===''?'':rows+(rows===1?' row':' rows')+', '+shown+(shown===1?' pane':' panes')
}
const enlarge=(pane)=>{
  const before=document.querySelector('.big')
  before?.classList.remove('big')
  if(pane&&pane!==before)pane.classList.add('big')
  for(const screen of document.querySelectorAll('.screen'))screen.scrollTop=screen.scrollHeight
}
input.addEventListener('input',search)
document.addEventListener('click',(event)=>enlarge(event.target.closest('.pane')))
document.addEventListener('keydown',(event)=>{
  if(event.key==='Escape')enlarge(null)
  if(event.key==='/'&&event.target!==input){event.preventDefault();input.focus()}
})
enlarge(null)
search()
`

/** Returns the page. */
export function snapshotPage(snapshot: FleetSnapshot): string {
  const { head, panes } = snapshot
  const styles = new StyleSheet()
  const places: string[] = []
  const machines = head.machines.map((machine) => machineSection(machine, panes, styles, places))
  const absent = head.absent.map(({ worker, reading }) => `<li>${escapeHtml(`${worker}: ${reading.state}, ${reading.evidence}`)}</li>`)
  const style = `${pageStyle}${styles.css()}\n${places.join('\n')}\n`
  const policy = `default-src 'none'; style-src '${hashOf(style)}'; script-src '${hashOf(script)}'; base-uri 'none'; form-action 'none'`
  const title = `${escapeHtml(head.fleet)} at ${escapeHtml(head.at)}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<header><h1>${escapeHtml(head.fleet)}<time>${escapeHtml(head.at)}</time></h1><p>${escapeHtml(summary(snapshot))}</p><input type="search" placeholder="Search all screens (press /)" aria-label="Search all screens" autocomplete="off"><output></output></header>
<main>
${machines.join('\n')}
${absent.length === 0 ? '' : `<h2>Workers without a pane</h2>\n<ul class="note">${absent.join('\n')}</ul>`}
</main>
<script>${script}</script>
</body>
</html>
`
}

/** Returns the number of panes, and the number of workers in each state, also of those without a pane. */
function summary({ head, panes }: FleetSnapshot): string {
  const states = [...panes.map(({ record }) => record.reading?.state ?? 'no worker'), ...head.absent.map(({ reading }) => reading.state)]
  const counts = [...Map.groupBy(states, (state) => state)].map(([state, of]) => `${of.length} ${state}`)
  return [counted(panes.length, 'pane'), ...counts].join(' · ')
}

function machineSection(machine: MachineRecord, panes: readonly PaneSnapshot[], styles: StyleSheet, places: string[]): string {
  const { name, state, reason, windows } = machine
  const note = state === 'up' ? '' : `<p class="note">${escapeHtml(reason === null ? state : `${state}: ${reason}`)}</p>`
  const own = Map.groupBy(
    panes.filter(({ record }) => record.machine === name),
    ({ record }) => record.window_id,
  )
  const frames = windows.flatMap((window) => {
    const inside = own.get(window.id) ?? []
    return inside.length === 0 ? [] : [windowSection(window, inside, styles, places)]
  })
  return `<section>\n<h2>${escapeHtml(name)}</h2>\n${note}${frames.join('\n')}\n</section>`
}

/** The width of a column of the usual monospaced fonts, in `em`, rounded up. */
const columnWidth = 0.61

function windowSection(window: PaneWindow, panes: readonly PaneSnapshot[], styles: StyleSheet, places: string[]): string {
  const id = `w${places.length}`
  const flow = panes.some(({ record }) => record.zoomed)
  const width = Math.max(window.width, ...panes.map(({ record }) => record.left + record.width))
  const height = Math.max(window.height, ...panes.map(({ record }) => record.top + record.height))
  // tmux draws the label of a pane in the row above the pane. The first row of a window may have no label, so the frame adds one.
  const above = panes.some(({ record }) => record.top === 0) ? 1 : 0
  const fit = `font-size:clamp(5px,calc((100vw - 2.5rem) / ${(width * columnWidth).toFixed(1)}),13px)`
  places.push(flow ? `#${id}{${fit}}` : `#${id}{${fit};width:${width}ch;height:${height + above}lh}`)
  const articles = panes.map((pane) => paneArticle(pane, above, styles, places))
  return `<h3>${escapeHtml(window.name)}</h3>\n<div class="scroll"><div class="frame${flow ? ' flow' : ''}" id="${id}">\n${articles.join('\n')}\n</div></div>`
}

function paneArticle({ record, rows }: PaneSnapshot, above: number, styles: StyleSheet, places: string[]): string {
  const id = `p${places.length}`
  const { left, top, width, height, worker, pane, reading, history_rows, command, title } = record
  places.push(`#${id}{left:${left}ch;top:${top + above}lh;width:${width}ch;height:${height}lh}`)
  const name = worker?.split('/').at(-1) ?? `${pane} ${command}`
  const state =
    reading === null ? '' : ` <em>${escapeHtml(reading.state)}${reading.detail === null ? '' : escapeHtml(` (${reading.detail})`)}</em>`
  const hint = [worker ?? pane, title, reading?.evidence ?? ''].filter((part) => part !== '').join('\n')
  const lines = rows.map((row, index) => `<div class="r${index < history_rows ? ' old' : ''}">${rowHtml(row, styles)}</div>`)
  return `<article class="pane ${reading?.state ?? 'none'}" id="${id}"><h4><button title="${escapeHtml(hint)}">${escapeHtml(name)}${state}</button></h4><div class="screen">${lines.join('')}</div></article>`
}

function rowHtml(row: StyledRow, styles: StyleSheet): string {
  return row
    .map(({ text, style }) => {
      const name = styles.classOf(style)
      return name === null ? cells(text) : `<span class="${name}">${cells(text)}</span>`
    })
    .join('')
}

/** Matches texts that every monospaced font shows with one column for each character. */
const regular = /^[\x20-\x7e\u00a0-\u024f\u2500-\u259f]*$/

/** Returns the escaped text. Characters that a browser may show too wide or too narrow get a box of their width in the terminal. */
function cells(text: string): string {
  if (regular.test(text)) return escapeHtml(text)
  return Array.from(segmentsOf(text), ({ segment }) => {
    if (regular.test(segment)) return escapeHtml(segment)
    const width = segmentWidth(segment)
    return width === 0 ? escapeHtml(segment) : width === 2 ? `<b>${escapeHtml(segment)}</b>` : `<i>${escapeHtml(segment)}</i>`
  }).join('')
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
