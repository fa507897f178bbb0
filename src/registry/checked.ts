import { RpcError } from '../core/index.js'
import type { Instance, Metadata } from './registry.js'

const MAX_NAME_BYTES = 180
const MAX_LABEL_BYTES = 63
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN = /[/\s\u0000-\u001f\u007f]/u

const bytes = new TextEncoder()

/**
 * Gives the instance back when it keeps the rules of {@link Instance}.
 * Throws INVALID_ARGUMENT (reason `invalid_instance`) that lists every fault, those found by `more` among them.
 */
export function checkedInstance(instance: Instance, more?: (instance: Instance) => readonly string[]): Instance {
  const faults = instanceFaults(instance)
  if (faults.length === 0 && more !== undefined) faults.push(...more(instance))
  if (faults.length === 0) return instance
  throw new RpcError('INVALID_ARGUMENT', `instance ${shown(instance?.name)}: ${faults.join('; ')}`, {
    reason: 'invalid_instance',
    details: faults,
  })
}

/**
 * Gives the name of a service back when it can be one.
 * Throws INVALID_ARGUMENT (reason `invalid_service_name`) otherwise.
 */
export function checkedServiceName(name: string): string {
  const fault = serviceNameFault(name)
  if (fault === undefined) return name
  throw new RpcError('INVALID_ARGUMENT', `service name ${shown(name)} ${fault}`, { reason: 'invalid_service_name' })
}

/** Whether a service can have this name. */
export function isServiceName(name: string): boolean {
  return serviceNameFault(name) === undefined
}

/** Everything that is wrong with an instance, each fault naming its field; empty when it is one. */
export function instanceFaults(instance: Instance): string[] {
  if (!isRecord(instance) || !isRecord(instance.node)) return ['not an instance, which has name, version and node']
  const { name, version, metadata, endpoints, node } = instance
  const faults: string[] = []
  const note = (field: string, fault: string | undefined): void => {
    if (fault !== undefined) faults.push(`${field} ${fault}`)
  }
  note('name', serviceNameFault(name))
  note('version', textFault(version))
  note('metadata', metadataFault(metadata))
  note('endpoints', Array.isArray(endpoints) ? undefined : 'is not an array')
  note('node.id', nameFault(node.id))
  note('node.address', textFault(node.address))
  note('node.metadata', metadataFault(node.metadata))
  return faults
}

function serviceNameFault(name: unknown): string | undefined {
  return typeof name === 'string' && name.startsWith('_') ? 'begins with "_"' : nameFault(name)
}

function nameFault(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return 'is not a string with text'
  if (FORBIDDEN.test(name)) return 'has a slash, white space or control character'
  if (bytes.encode(name).length > MAX_NAME_BYTES) return `has more than ${MAX_NAME_BYTES} bytes`
  const bad = name.split('.').find(label => label === '' || bytes.encode(label).length > MAX_LABEL_BYTES)
  if (bad === undefined) return undefined
  return bad === '' ? 'has an empty part between dots' : `has a part of more than ${MAX_LABEL_BYTES} bytes between dots`
}

function textFault(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? undefined : 'is not a string with text'
}

function metadataFault(value: unknown): string | undefined {
  const fine = isRecord(value) && Object.values(value as Metadata).every(entry => typeof entry === 'string')
  return fine ? undefined : 'is not an object of strings'
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(name: unknown): string {
  return typeof name === 'string' ? JSON.stringify(name.slice(0, 80)) : String(name)
}
