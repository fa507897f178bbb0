/** The only long hexadecimal number that a simulation prints is its hash; ids and fractions are cut. */
export function withoutLongHex(text: string): string {
  return text.replaceAll(/[0-9a-f]{16,}/gi, digits => `${digits.slice(0, 12)}…`)
}
