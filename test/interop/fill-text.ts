/** Text of any length in which every part differs from the others; the Java side is Fill.java. */
export function fillText(length: number): string {
  let text = ''
  for (let number = 0; text.length < length; number++) text += `${number} `
  return text.slice(0, length)
}
