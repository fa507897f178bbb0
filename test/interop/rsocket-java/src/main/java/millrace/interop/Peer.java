package millrace.interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** Runs rsocket-java as clients and servers, as the lines of standard input say; ends with it. */
public final class Peer {
  private final Connections connections = new Connections();
  private final Calls calls = new Calls();

  public static void main(String[] args) throws IOException {
    Peer peer = new Peer();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Command command = new Command(line);
      try {
        peer.run(command);
      } catch (RuntimeException error) {
        Tell.error(command.text("id"), error);
      }
    }
    System.exit(0);
  }

  private void run(Command command) {
    String id = command.text("id");
    switch (command.text("do")) {
      case "serve" -> connections.serve(command);
      case "connect" -> connections.connect(command);
      case "grant" -> connections.grant(command);
      case "close" -> connections.close(id);
      case "disconnect" -> connections.socket(id).dispose();
      case "call" -> calls.start(command, connections.socket(command.text("on")), connections.dialect(command.text("on")));
      case "more" -> calls.more(id, command.number("n"));
      case "cancel" -> calls.cancel(id);
      case "send" -> calls.send(command);
      case "end" -> calls.end(id);
      case "fail" -> calls.fail(id, command.text("message"));
      default -> throw new IllegalArgumentException("do " + command.text("do"));
    }
  }
}
