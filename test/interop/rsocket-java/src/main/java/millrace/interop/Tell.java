package millrace.interop;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.rsocket.Payload;
import io.rsocket.RSocketErrorException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;

/** Tells the process that started this one what happens, in lines of JSON. */
public final class Tell {
  /** Longer bytes are told by their length and digest. */
  private static final int MOST_BYTES = 1024;

  private Tell() {}

  /** Writes a line: names and values by turns; a value is text, a number, a flag, or bytes. */
  public static void event(String id, String event, Object... namesAndValues) {
    StringBuilder line = new StringBuilder("{\"id\":");
    value(line, id);
    line.append(",\"event\":");
    value(line, event);
    for (int at = 0; at < namesAndValues.length; at += 2) {
      line.append(',');
      value(line, namesAndValues[at]);
      line.append(':');
      value(line, namesAndValues[at + 1]);
    }
    line.append('}');
    synchronized (System.out) {
      System.out.println(line);
      System.out.flush();
    }
  }

  /** Tells of a payload, and releases it. */
  public static void payload(String id, String event, Payload payload) {
    event(id, event, "data", bytes(payload.sliceData()), "metadata", payload.hasMetadata() ? bytes(payload.sliceMetadata()) : null);
    payload.release();
  }

  public static void error(String id, Throwable error) {
    int code = error instanceof RSocketErrorException ? ((RSocketErrorException) error).errorCode() : 0;
    event(id, "error", "type", error.getClass().getSimpleName(), "code", code, "message", String.valueOf(error.getMessage()));
  }

  static byte[] bytes(ByteBuf buffer) {
    return ByteBufUtil.getBytes(buffer);
  }

  private static void value(StringBuilder line, Object value) {
    if (value == null || value instanceof Number || value instanceof Boolean) line.append(value);
    else if (value instanceof byte[]) bytes(line, (byte[]) value);
    else text(line, value.toString());
  }

  private static void bytes(StringBuilder line, byte[] bytes) {
    line.append("{\"length\":").append(bytes.length);
    if (bytes.length <= MOST_BYTES) line.append(",\"base64\":\"").append(Base64.getEncoder().encodeToString(bytes)).append('"');
    else line.append(",\"sha256\":\"").append(digest(bytes)).append('"');
    line.append('}');
  }

  private static void text(StringBuilder line, String text) {
    line.append('"');
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') line.append('\\').append(c);
      else if (c < ' ') line.append(String.format("\\u%04x", (int) c));
      else line.append(c);
    }
    line.append('"');
  }

  private static String digest(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
