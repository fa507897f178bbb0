package millrace.interop;

/** Text of any length in which every part differs from the others. */
final class Fill {
  private Fill() {}

  /** The numbers from 0, one after the other, cut off at `length`. */
  static String text(int length) {
    StringBuilder text = new StringBuilder(length + 8);
    for (int number = 0; text.length() < length; number++) text.append(number).append(' ');
    text.setLength(length);
    return text.toString();
  }
}
