package millrace.interop.spring;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rsocket.core.RSocketServer;
import io.rsocket.transport.ServerTransport;
import io.rsocket.transport.netty.server.CloseableChannel;
import io.rsocket.transport.netty.server.TcpServerTransport;
import io.rsocket.transport.netty.server.WebsocketServerTransport;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import millrace.interop.Command;
import millrace.interop.Tell;
import org.springframework.http.codec.json.Jackson2JsonDecoder;
import org.springframework.http.codec.json.Jackson2JsonEncoder;
import org.springframework.messaging.rsocket.RSocketRequester;
import org.springframework.messaging.rsocket.RSocketStrategies;
import org.springframework.messaging.rsocket.annotation.support.RSocketMessageHandler;
import org.springframework.util.MimeTypeUtils;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

/** Runs Spring's requesters and message handlers, as the lines of standard input say; ends with it. */
public final class SpringPeer {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final RSocketStrategies strategies =
      RSocketStrategies.builder().encoder(new Jackson2JsonEncoder()).decoder(new Jackson2JsonDecoder()).build();
  private final Map<String, RSocketRequester> requesters = new ConcurrentHashMap<>();
  private final Map<String, Disposable> open = new ConcurrentHashMap<>();

  public static void main(String[] args) throws IOException {
    SpringPeer peer = new SpringPeer();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Command command = new Command(line);
      try {
        peer.run(command);
      } catch (RuntimeException | JsonProcessingException error) {
        Tell.error(command.text("id"), error);
      }
    }
    System.exit(0);
  }

  private void run(Command command) throws JsonProcessingException {
    switch (command.text("do")) {
      case "serve" -> serve(command);
      case "connect" -> connect(command);
      case "call" -> call(command);
      case "close" -> {
        Disposable closed = open.remove(command.text("id"));
        if (closed != null) closed.dispose();
      }
      default -> throw new IllegalArgumentException("do " + command.text("do"));
    }
  }

  private void serve(Command command) {
    RSocketMessageHandler handler = new RSocketMessageHandler();
    handler.setHandlers(List.of(new WordsController()));
    handler.setRSocketStrategies(strategies);
    handler.setDefaultDataMimeType(MimeTypeUtils.APPLICATION_JSON);
    handler.afterPropertiesSet();
    ServerTransport<CloseableChannel> transport =
        command.text("transport").equals("ws") ? WebsocketServerTransport.create("127.0.0.1", 0) : TcpServerTransport.create("127.0.0.1", 0);
    CloseableChannel channel = RSocketServer.create(handler.responder()).bindNow(transport);
    open.put(command.text("id"), channel);
    Tell.event(command.text("id"), "ready", "port", channel.address().getPort());
  }

  /** Connects at the first request, as Spring does. */
  private void connect(Command command) {
    int port = command.number("port");
    RSocketRequester.Builder builder =
        RSocketRequester.builder().rsocketStrategies(strategies).dataMimeType(MimeTypeUtils.APPLICATION_JSON);
    RSocketRequester requester =
        command.text("transport").equals("ws")
            ? builder.websocket(URI.create("ws://127.0.0.1:" + port + "/"))
            : builder.tcp("127.0.0.1", port);
    requesters.put(command.text("id"), requester);
    open.put(command.text("id"), requester);
    Tell.event(command.text("id"), "connected");
  }

  private void call(Command command) throws JsonProcessingException {
    String id = command.text("id");
    RSocketRequester.RequestSpec route = requesters.get(command.text("on")).route(command.text("route"));
    JsonNode data = JSON.readTree(command.text("data"));
    Flux<JsonNode> replies =
        switch (command.text("kind")) {
          case "unary" -> route.data(data).retrieveMono(JsonNode.class).flux();
          case "stream" -> route.data(data).retrieveFlux(JsonNode.class);
          case "channel" -> route.data(Flux.fromIterable(data), JsonNode.class).retrieveFlux(JsonNode.class);
          case "tell" -> route.data(data).send().cast(JsonNode.class).flux();
          default -> throw new IllegalArgumentException("kind " + command.text("kind"));
        };
    replies.subscribe(
        item -> Tell.event(id, "item", "data", item.toString().getBytes(StandardCharsets.UTF_8), "metadata", null),
        error -> Tell.error(id, error),
        () -> Tell.event(id, "complete"));
  }
}
