import type { OperatorFunction } from 'rxjs'
import type { Snapshot } from '../registry/index.js'
import { filterNodes } from './filter-nodes.js'
import { versionRange } from './version-range.js'

/**
 * Keeps the services of one version, or of a range of them: `1.2.0`, `1.x`, `~1.2.3`, `^1.2`, with npm's meaning.
 * Pre-releases and versions that are no semantic ones (`latest`) match only when they are written out.
 * Throws INVALID_ARGUMENT (reason `invalid_version_range`) for a range of another form.
 */
export function filterVersion(version: string): OperatorFunction<Snapshot, Snapshot> {
  const inRange = versionRange(version)
  return filterNodes(`of another version than ${version}`, (_, service) => inRange(service.version))
}
