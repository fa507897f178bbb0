package millrace.interop;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** millrace's compact metadata, written from docs/wire.md alone: routes are spelled out once, then told by id. */
final class CompactDialect implements Dialect {
  private static final int ROUTE = 0x01;
  private static final int DEADLINE = 0x02;
  private static final int HEADER = 0x04;
  private static final int NO_BODY = 0x08;
  private static final int ONE_REPLY = 0x10;

  private final Map<String, Integer> sent = new HashMap<>();
  private final Map<Integer, String> received = new HashMap<>();

  @Override
  public synchronized byte[] request(Command command, boolean hasBody) {
    String route = command.text("route");
    boolean known = sent.containsKey(route);
    int id = sent.computeIfAbsent(route, any -> sent.size() + 1);
    int bits = known ? 0 : ROUTE;
    if (command.has("deadline")) bits |= DEADLINE;
    if (command.has("pad")) bits |= HEADER;
    if (!hasBody) bits |= NO_BODY;
    if (command.has("oneReply")) bits |= ONE_REPLY;

    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(bits);
    varint(bytes, id);
    if (!known) {
      int dot = route.lastIndexOf('.');
      text(bytes, route.substring(0, dot));
      text(bytes, "1.0.0");
      text(bytes, route.substring(dot + 1));
    }
    if (command.has("deadline")) varint(bytes, command.number("deadline"));
    if (command.has("pad")) {
      varint(bytes, 1);
      text(bytes, "pad");
      text(bytes, "x".repeat(command.number("pad")));
    }
    return bytes.toByteArray();
  }

  @Override
  public synchronized Request read(byte[] metadata) {
    Reader reader = new Reader(metadata);
    int bits = reader.octet();
    int id = reader.varint();
    if ((bits & ROUTE) == 0) return new Request(received.get(id), "", "");
    String contract = reader.text();
    reader.text();
    String route = contract + "." + reader.text();
    if (id != 0) received.put(id, route);
    return new Request(route, "", "");
  }

  @Override
  public boolean firstItemInRequest() {
    return false;
  }

  private static void varint(ByteArrayOutputStream bytes, int value) {
    int rest = value;
    for (; rest > 0x7f; rest >>>= 7) bytes.write((rest & 0x7f) | 0x80);
    bytes.write(rest);
  }

  private static void text(ByteArrayOutputStream bytes, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    varint(bytes, utf8.length);
    bytes.writeBytes(utf8);
  }

  private static final class Reader {
    private final byte[] bytes;
    private int at;

    Reader(byte[] bytes) {
      this.bytes = bytes;
    }

    int octet() {
      return bytes[at++] & 0xff;
    }

    int varint() {
      int value = 0;
      for (int shift = 0; ; shift += 7) {
        int octet = octet();
        value |= (octet & 0x7f) << shift;
        if (octet < 0x80) return value;
      }
    }

    String text() {
      int length = varint();
      at += length;
      return new String(bytes, at - length, length, StandardCharsets.UTF_8);
    }
  }
}
