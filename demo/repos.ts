/** The contents of the three repositories of the demo, by path. */
import type { Repo } from './backlog.ts'

interface Contents {
  /** The command that must pass before a change is opened. */
  readonly check: string
  readonly files: Readonly<Record<string, string>>
}

const lines = (...all: readonly string[]) => `${all.join('\n')}\n`

/** The repositories by name. */
export const repos: Readonly<Record<Repo, Contents>> = {
  kettle: {
    check: 'node --test',
    files: {
      'package.json': lines('{', '  "name": "kettle",', '  "version": "0.9.0",', '  "type": "module"', '}'),
      'README.md': lines('# kettle', '', 'Boils water without suprises.'),
      'src/kettle.js': lines(
        "import { toF } from './units.js'",
        '',
        '/** Heats the water, and says how warm it is. */',
        'export function boil(tmp) {',
        '  const warm = Math.min(100, tmp + 80)',
        '  return `${warm} °C (${toF(warm)} °F)`',
        '}',
      ),
      'src/units.js': lines('/** Celcius to Fahrenheit. */', 'export function toF(degrees) {', '  return (degrees * 9) / 5 + 32', '}'),
      'src/legacy.js': lines('// The stove of 2011. Nothing uses it any more.', 'export const stove = null'),
      'test/kettle.test.js': lines(
        "import assert from 'node:assert/strict'",
        "import { test } from 'node:test'",
        "import { boil } from '../src/kettle.js'",
        '',
        "test('water boils', () => assert.equal(boil(20), '100 °C (212 °F)'))",
      ),
    },
  },
  handbook: {
    check: 'sh check.sh',
    files: {
      'README.md': lines('# Handbook', '', 'How we work. Start with [style](style.md) and [releases](releases.md).'),
      'style.md': lines('# Style', '', 'Write what you would want to recieve.', 'Short sentences. One thought each.'),
      'releases.md': lines('# Releases', '', 'A release is cut from master on the first Monday, and', 'master is never frozen for it.'),
      'contact.md': lines('# Contact', '', 'We talk in HipChat. Urgent things go to HipChat too, in the room #fire.'),
      'glossary.md': lines('# Glossary', '', 'Lane: a window of the fleet. Its workers share repos and a porpose.'),
      'old-tools.md': lines('# Tools we no longer use', '', 'Fax.'),
      'check.sh': lines(
        '# Every page has a title, and what the first page names is there.',
        'for page in *.md; do',
        '  head -n 1 "$page" | grep -q "^# " || { echo "$page has no title"; exit 1; }',
        'done',
        'for page in $(grep -o "([a-z-]*\\.md)" README.md | tr -d "()"); do',
        '  test -f "$page" || { echo "$page is missing"; exit 1; }',
        'done',
      ),
    },
  },
  toolbox: {
    check: 'sh check.sh',
    files: {
      'README.md': lines('# toolbox', '', 'Small scripts for every day.'),
      VERSION: lines('0.3.0'),
      'bin/greet': lines('#!/bin/sh', 'echo "Helo, ${1:-world}."'),
      'bin/backup': lines('#!/bin/sh', 'set -eu', 'DEST=${1:?where to}', 'cp -R "$HOME/notes" "$DEST"', 'echo "kept in $DEST"'),
      'bin/tidy': lines('#!/bin/sh', 'tidy_all() { find "$HOME/tmp" -type f -mtime +30 -print; }', 'tidy_all'),
      'bin/oldsync': lines('#!/bin/sh', 'exec rsync -a "$1" "$2"'),
      'check.sh': lines('# Every script can be read by the shell.', 'for script in bin/*; do sh -n "$script" || exit 1; done'),
    },
  },
}
