import { chmodSync, copyFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'

const root = resolve(import.meta.dirname, '..')

/**
 * Bundles the command into a folder: burn.mjs, the chunks that it loads on demand, run.mjs for callers in the same process, and start.mjs, which
 * starts burn.mjs faster.
 */
export async function bundle(dir: string): Promise<void> {
  const build = await rolldown({
    platform: 'node',
    input: { burn: join(root, 'src/cli/main.ts'), run: join(root, 'src/cli/run.ts') },
    resolve: {
      alias: {
        // Its `main` is UMD, whose inner requires a bundler can't follow.
        'jsonc-parser': join(root, 'node_modules/jsonc-parser/lib/esm/main.js'),
        // For Node it is CommonJS, of which nothing can be left out: that was an eighth of the file.
        yaml: join(root, 'node_modules/yaml/browser/dist/index.js'),
      },
    },
  })
  await build.write({
    dir,
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: 'chunks/[name].mjs',
    // One byte a character: half the memory, and 5 ms less of each start.
    charset: 'ascii',
    // Names of functions and classes stay, for the lines of an error that is reported; a third less text is read at every start.
    minify: { compress: true, mangle: { keepNames: { function: true, class: true } }, codegen: { removeWhitespace: true } },
  })
  await build.close()
  copyFileSync(join(root, 'bin/start.mjs'), join(dir, 'start.mjs'))
  for (const file of ['burn.mjs', 'start.mjs']) chmodSync(join(dir, file), 0o755)
}
