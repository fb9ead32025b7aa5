/** How the tests run programs from their sources. */
import { resolve } from 'node:path'

const preloaded = (name: string) => ['--import', resolve(import.meta.dirname, '..', name)]

/** The options of Node for a program that runs from its sources. They make its sources and packages load faster. */
export const sourceOptions = ['--disable-warning=ExperimentalWarning', ...preloaded('stripped.mjs'), ...preloaded('before.ts')]
