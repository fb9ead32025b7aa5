/** Explains in a sentence for people why a command on a machine failed. */

/** The reason why a command did not reach a machine or failed there, with a hint. */
export interface TransportFailure {
  readonly kind: 'refused' | 'host_key' | 'host_key_changed' | 'auth' | 'no_host' | 'timeout' | 'container' | 'no_command' | 'other'
  readonly reason: string
  readonly hint: string
}

const startAgain = 'Then run burn up and burn christen, because a restart of a container ends all of its panes.'

/** The messages of docker, podman and kubectl about a container that cannot run a command now. */
const containers: readonly { readonly pattern: RegExp; readonly failure: Omit<TransportFailure, 'kind'> }[] = [
  {
    pattern: /container \S+ is paused/i,
    failure: { reason: 'the container is paused', hint: 'Continue it: docker unpause CONTAINER. Its agents then continue, too.' },
  },
  {
    pattern: /container state improper/,
    failure: {
      reason: 'the container is stopped or paused',
      hint: `Run podman unpause CONTAINER, or podman start CONTAINER. ${startAgain}`,
    },
  },
  {
    pattern: /container \S+ is not running|cannot exec into a container in a completed pod/i,
    failure: { reason: 'the container is stopped', hint: `Start it: docker start CONTAINER. ${startAgain}` },
  },
  {
    pattern: /container \S+ is restarting/i,
    failure: { reason: 'the container is restarting', hint: 'Read why its main process ends: docker logs CONTAINER.' },
  },
  {
    pattern: /no such container|container not found|pods "\S+" not found/i,
    failure: { reason: 'no container has the name that the spec gives', hint: 'Check "exec" in the spec, and create the container.' },
  },
  {
    pattern: /Cannot connect to the Docker daemon|permission denied while trying to connect to the Docker daemon/i,
    failure: { reason: 'the container engine does not answer', hint: 'Start the engine, or get the right to use its socket: docker info.' },
  },
  {
    pattern: /unable to resolve docker endpoint: context/,
    failure: { reason: 'docker has no context with this name', hint: 'List the contexts: docker context ls.' },
  },
]

const known: readonly { readonly pattern: RegExp; readonly failure: TransportFailure }[] = [
  ...containers.map(({ pattern, failure }) => ({ pattern, failure: { kind: 'container' as const, ...failure } })),
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    failure: {
      kind: 'host_key_changed',
      reason: "the machine's host key changed",
      hint: 'Find out why the key changed. If the machine was reinstalled, run: ssh-keygen -R <host>, and ssh to the machine once.',
    },
  },
  {
    pattern: /Host key verification failed|No .* host key is known/i,
    failure: {
      kind: 'host_key',
      reason: "ssh does not know the machine's host key",
      hint: 'Run ssh to the machine once yourself, and confirm the key.',
    },
  },
  {
    pattern: /Permission denied \(|Too many authentication failures|no mutual signature/i,
    failure: {
      kind: 'auth',
      reason: 'the machine does not accept your ssh key',
      hint: 'Install your key on the machine: ssh-copy-id <host>. Check that ssh-agent has the key: ssh-add -l.',
    },
  },
  {
    pattern: /Could not resolve hostname|Name or service not known|nodename nor servname/i,
    failure: {
      kind: 'no_host',
      reason: 'no host has the name that the spec gives',
      hint: 'Check "host" in the spec and your ~/.ssh/config.',
    },
  },
  {
    pattern: /Connection refused/i,
    failure: {
      kind: 'refused',
      reason: 'the machine refused the ssh connection',
      hint: 'Check that sshd runs on the machine, and that the port is right.',
    },
  },
  {
    pattern: /timed? ?out|No route to host|Network is unreachable|not responding/i,
    failure: {
      kind: 'timeout',
      reason: 'the machine did not answer in time',
      hint: 'Check that the machine is up and reachable from here.',
    },
  },
  {
    pattern: /command not found|not found$|executable file not found|No such file or directory: .*tmux/im,
    failure: { kind: 'no_command', reason: 'a command is missing on the machine', hint: 'Install the command on that machine.' },
  },
]

/** Returns the kind of a failure, its reason and a hint. `code` is the exit code of the transport; ssh itself exits with 255. */
export function explainTransportFailure(stderr: string, code: number | null): TransportFailure {
  const match = known.find(({ pattern }) => pattern.test(stderr))
  if (match !== undefined) return match.failure
  if (code === 127)
    return { kind: 'no_command', reason: 'a command is missing on the machine', hint: 'Install the command on that machine.' }
  const lastLine = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .at(-1)
  return {
    kind: 'other',
    reason: lastLine ?? (code === null ? 'the connection was cut' : `the command ended with exit code ${code} and printed no error`),
    hint: 'Run burn doctor.',
  }
}
