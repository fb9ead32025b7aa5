/** Loaded before every test file: says at its end what the file left open, which would have kept its process alive. */
import { openHandleMark } from './report.ts'

process.on('exit', () => {
  // Pipes are the process's own input and output.
  const open = process.getActiveResourcesInfo().filter((kind) => kind !== 'PipeWrap' && kind !== 'TTYWrap' && kind !== 'FSReqPromise')
  if (open.length > 0) process.stderr.write(`${openHandleMark}${[...new Set(open)].join(', ')}\n`)
})
