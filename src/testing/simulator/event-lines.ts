import type { LogEvent } from '../../core/index.js'
import type { CallStep, MessageStep, RegistryStep } from './observed.js'

/** The line of a step of a call, if it has one: items are not told one by one, for the frames that carry them are. */
export function callLine({ call, run, step }: CallStep): string | undefined {
  if (step !== 'started' && step !== 'ended') return undefined
  const side = run ?? call
  const { contract, endpoint } = call.route
  const counts = `after ${side.requests.length} requests and ${side.replies.length} replies`
  const what = step === 'started' ? '' : ` ${side.end} ${counts}`
  return `call ${call.id} ${contract}.${endpoint} ${run === undefined ? 'made' : 'run'}${what}`
}

/** The line of what is registered. */
export function registrationLine({ instance, gone }: RegistryStep): string | undefined {
  if (instance === undefined) return undefined
  return `${gone === true ? 'says goodbye as' : 'registers'} ${instance.name} ${instance.node.id}`
}

/** The line of what became of what is registered. */
export function standingLine({ registration }: RegistryStep): string | undefined {
  if (registration === undefined) return undefined
  const { instance, lost } = registration
  const node = `${instance.name} ${instance.node.id}`
  return lost === undefined ? `is announced as ${node}` : `is not announced as ${node}: ${lost.reason}`
}

/** The line of what is shown. */
export function snapshotLine({ snapshot }: RegistryStep): string | undefined {
  if (snapshot === undefined) return undefined
  const nodes = snapshot.services.flatMap(service => service.nodes.map(node => node.id))
  return `sees ${nodes.join(' ') || 'nobody'}${snapshot.stale ? ', stale' : ''}`
}

/** The line of what happened to a message. */
export function messageLine(step: MessageStep): string {
  if (step.step === 'kept') {
    const { id, topic, sequence } = step.record
    return `keeps ${id} of ${topic} as ${step.log} ${sequence}`
  }
  if (step.step === 'group') return `knows queue ${step.queue} of ${step.topic} from ${step.next}`
  const group = `${step.queue === undefined ? 'a subscriber' : `queue ${step.queue}`} of ${step.topic}`
  if (!('message' in step)) return `${step.step} ${group}`
  const { id, sequence, attempt } = step.message
  return `${group}: ${step.step} ${id}, ${sequence}, attempt ${attempt}`
}

/** The line of what the library logs. */
export function logLine({ level, event, message }: LogEvent): string {
  return `${level} ${event}: ${message}`
}
