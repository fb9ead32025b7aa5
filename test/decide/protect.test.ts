import assert from 'node:assert/strict'
import { test } from 'node:test'
import { includedBy, isProtected, linkTarget, protectedAmong } from '../../src/decide/protect.ts'

test('protect: covers CI definitions and hooks in any folder and spelling', () => {
  const yes = [
    '.github/workflows/x.yml .github/actions/a/action.yml .gitea/workflows/x.yml .forgejo/workflows/x.yaml .gitlab-ci.yml .gitlab/ci/a.yml',
    '.woodpecker.yml .woodpecker/a.yml .drone.yml .circleci/config.yml Jenkinsfile Jenkinsfile.release .travis.yml azure-pipelines-pr.yml',
    '.buildkite/pipeline.yml bitbucket-pipelines.yml .cirrus.star .builds/a.yml .husky/pre-commit .githooks/pre-push .pre-commit-config.yaml',
    'lefthook.yml .lefthook-local.yml .claude/settings.json sub/.github/workflows/x.yml deep/er/Jenkinsfile',
    '.GitHub/Workflows/x.yml .github./workflows/x.yml .g\u200cithub/workflows/x.yml .gitea .github .github/workflows .husky',
  ]
  for (const path of yes.join(' ').split(' ')) assert.ok(isProtected(path), path)
  const no =
    'src/a.ts package.json .github/CODEOWNERS .github/ISSUE_TEMPLATE/bug.yml docs/github/workflows/x.yml lefthook.test.ts .gitignore a.yml'
  for (const path of no.split(' ')) assert.ok(!isProtected(path), path)
})

test('protect: the spec can allow single paths', () => {
  const touched = ['.github/workflows/docs.yml', '.github/workflows/release.yml', 'src/a.ts']
  assert.deepEqual(protectedAmong(touched, [], ['.github/workflows/docs.yml']), ['.github/workflows/release.yml'])
  assert.deepEqual(protectedAmong(touched, ['src/*'], ['.github/**']), ['src/a.ts'])
  assert.deepEqual(protectedAmong(touched, [], ['**']), [])
})

test('protect: finds the local files that a CI definition includes', () => {
  const gitlab = `stages: [a]
include:
  - local: /ci/a.yml
  - 'ci/jobs/*.yml'
  - remote: https://x.example/y.yml
- job
cache:
  key: { files: [pnpm-lock.yaml] }
child:
  trigger:
    include: ci/child.yml
`
  assert.deepEqual(includedBy('.gitlab-ci.yml', gitlab), ['ci/a.yml', 'ci/jobs/*.yml', 'ci/child.yml'])
  assert.deepEqual(includedBy('.github/workflows/x.yml', '- uses: ./act/build\n- uses: actions/checkout@v4'), ['act/build', 'act/build/**'])
  const flow = `jobs: {a: {uses: ./ci/a.yml}, "b": {"uses": "./ci/b.yml"}, c: [uses: ./act]}`
  assert.deepEqual(
    includedBy('.gitea/workflows/x.yml', flow).filter((glob) => !glob.endsWith('/**')),
    ['ci/a.yml', 'ci/b.yml', 'act'],
  )
  assert.deepEqual(includedBy('.gitea/workflows/x.yml', '- uses: ./\n'), ['action.yml', 'action.yaml', 'Dockerfile'])
  assert.deepEqual(includedBy('ci/main.yml', '- template: steps/a.yml\n- template: /b.yml\n- template: c.yml@other'), [
    'ci/steps/a.yml',
    'b.yml',
  ])
})

test('protect: a link protects its target', () => {
  assert.deepEqual(linkTarget('.husky', 'tools/hooks'), ['tools/hooks', 'tools/hooks/**'])
  assert.deepEqual(linkTarget('.github/workflows', '../ci/./'), ['ci', 'ci/**'])
  assert.deepEqual([linkTarget('.husky', '/etc'), linkTarget('.husky', '../x'), linkTarget('.husky', '.')], [[], [], ['**']])
})
