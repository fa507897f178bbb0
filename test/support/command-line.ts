/**
 * Reads the arguments of this program with `read`. Asked for help, it prints `usage` and ends the program; so it does when
 * `read` throws, with what is wrong before it and exit code 2.
 */
export function readCommandLine<T>(usage: string, read: (args: string[]) => T): T {
  const args = process.argv.slice(2)
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${usage}\n`)
    process.exit(0)
  }
  try {
    return read(args)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`)
    process.exit(2)
  }
}
