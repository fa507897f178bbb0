/** Milliseconds on the clock that all processes of this machine share; it only goes forward. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
