package millrace.interop;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** One line of standard input: names and values as in the query of a URL. */
public final class Command {
  private final Map<String, String> values;

  public Command(String line) {
    values = new HashMap<>();
    for (String pair : line.split("&")) {
      int equals = pair.indexOf('=');
      values.put(decoded(pair.substring(0, equals)), decoded(pair.substring(equals + 1)));
    }
  }

  public String text(String name) {
    String value = values.get(name);
    if (value == null) throw new IllegalArgumentException(values.get("do") + " lacks " + name);
    return value;
  }

  public String text(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }

  public boolean has(String name) {
    return values.containsKey(name);
  }

  public int number(String name) {
    return Integer.parseInt(text(name));
  }

  public int number(String name, int otherwise) {
    return has(name) ? number(name) : otherwise;
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }
}
