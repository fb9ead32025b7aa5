#!/usr/bin/env node
// Starts burn.mjs, which also runs alone, and keeps what Node compiled of it for the next start: 45 of 210 ms.
// Every Node reads this file, so that an old one is told which version is needed.
const wanted = [22, 19]
const found = process.versions.node.split('.').map(Number)
if (found[0] > wanted[0] || (found[0] === wanted[0] && found[1] >= wanted[1])) start()
else {
  console.error('burn: needs Node ' + wanted.join('.') + ' or newer, and this is Node ' + process.versions.node)
  console.error('  hint: install a newer Node, or put one first on PATH')
  process.exitCode = 2
}

function start() {
  const { XDG_CACHE_HOME: caches, HOME: home } = process.env
  // An import of node:module would copy all that it exports.
  if (caches || home) keepCompiled((caches || home + '/.cache') + '/burn-fleet')
  import('./burn.mjs')
}

/** Code that others may write is not run: the folder is its owner's alone, whatever umask says. */
function keepCompiled(dir) {
  const fs = process.getBuiltinModule('node:fs')
  try {
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
    const { mode, uid } = fs.statSync(dir)
    if ((mode & 0o022) === 0 && uid === process.getuid()) process.getBuiltinModule('node:module').enableCompileCache(dir)
  } catch {
    // A home that can't be written: burn starts without the cache.
  }
}
