/** Files that are read at once. */
export const CONCURRENCY = 4

/**
 * Items of one call that may be under way to a process. A line may be 1 MiB long, so this and {@link CONCURRENCY} are
 * what bounds memory.
 */
export const WINDOW = 16

/** Longest wait for the services to start and be found, ms. */
export const FOUND_WITHIN_MS = 15_000

/** Name under which a service of one run is registered: no run sees another's. */
export function serviceName(service: string, run: string): string {
  return `${service}-${run}`
}
