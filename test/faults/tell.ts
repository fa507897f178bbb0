/** Tells the process that started this one. */
export function tell(line: { readonly [name: string]: unknown }): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
