/** Loaded before every test file: says at its end what the file left open, which would have kept its process alive. */
import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { openHandleMark } from './report.ts'

/** Children say more about themselves than `ProcessWrap`; pipes are those of the process; the others end by themselves. */
const notSaid = new Set(['ProcessWrap', 'PipeWrap', 'TTYWrap', 'FSReqPromise', 'FSReqCallback', 'Immediate'])
const children: ChildProcess[] = []

subscribe('child_process', (message) => children.push((message as { process: ChildProcess }).process))
process.on('exit', () => {
  const kinds = process.getActiveResourcesInfo().filter((kind) => !notSaid.has(kind))
  const running = children.filter(({ pid, exitCode, signalCode }) => pid !== undefined && exitCode === null && signalCode === null)
  const open = [...new Set(kinds), ...running.map(({ pid, spawnargs }) => `process ${pid} (${spawnargs.join(' ').slice(0, 100)})`)]
  if (open.length > 0) process.stderr.write(`${openHandleMark}${open.join(', ')}\n`)
})
