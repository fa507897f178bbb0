package millrace.interop;

import io.rsocket.RSocket;
import io.rsocket.SocketAcceptor;
import io.rsocket.core.RSocketConnector;
import io.rsocket.core.RSocketServer;
import io.rsocket.core.Resume;
import io.rsocket.exceptions.RejectedSetupException;
import io.rsocket.lease.Lease;
import io.rsocket.transport.ClientTransport;
import io.rsocket.transport.ServerTransport;
import io.rsocket.transport.netty.client.TcpClientTransport;
import io.rsocket.transport.netty.client.WebsocketClientTransport;
import io.rsocket.transport.netty.server.CloseableChannel;
import io.rsocket.transport.netty.server.TcpServerTransport;
import io.rsocket.transport.netty.server.WebsocketServerTransport;
import io.rsocket.util.DefaultPayload;
import java.net.URI;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.util.retry.Retry;

/** The servers and clients of this process, by the id that their command gives them. */
final class Connections {
  private final Map<String, Disposable> open = new ConcurrentHashMap<>();
  private final Map<String, RSocket> sockets = new ConcurrentHashMap<>();
  private final Map<String, Dialect> dialects = new ConcurrentHashMap<>();
  private final Map<String, Sinks.Many<Lease>> leases = new ConcurrentHashMap<>();

  /** Serves; the last client that connected is the socket by the id of the server. */
  void serve(Command command) {
    String id = command.text("id");
    SocketAcceptor acceptor =
        (setup, socket) -> {
          Handlers.tellSetup(id, setup);
          if (command.has("reject")) return Mono.error(new RejectedSetupException(command.text("reject")));
          register(id, socket, setup.metadataMimeType());
          return Mono.just(new Handlers(id, setup.metadataMimeType()));
        };
    RSocketServer server = RSocketServer.create(acceptor);
    if (command.has("fragment")) server.fragment(command.number("fragment"));
    if (command.has("resume")) server.resume(resume());
    if (command.has("lease")) server.lease(spec -> spec.sender(leasesOf(id)::asFlux));
    ServerTransport<CloseableChannel> transport =
        command.text("transport").equals("ws") ? WebsocketServerTransport.create("127.0.0.1", 0) : TcpServerTransport.create("127.0.0.1", 0);
    CloseableChannel channel = server.bindNow(transport);
    open.put(id, channel);
    Tell.event(id, "ready", "port", channel.address().getPort());
  }

  void connect(Command command) {
    String id = command.text("id");
    String metadataType = command.text("metadataType", Dialect.COMPOSITE);
    RSocketConnector connector =
        RSocketConnector.create()
            .metadataMimeType(metadataType)
            .dataMimeType(command.text("dataType", "application/json"))
            .keepAlive(Duration.ofMillis(command.number("keepAliveMs", 20_000)), Duration.ofMillis(command.number("maxLifetimeMs", 90_000)))
            .acceptor(SocketAcceptor.with(new Handlers(id, metadataType)));
    if (command.has("setupRoute") || command.has("simple") || command.has("bearer")) {
      connector.setupPayload(DefaultPayload.create(new byte[0], Dialect.of(metadataType).request(command, false)));
    }
    if (command.has("setupMetadata")) {
      byte[] metadata = Base64.getDecoder().decode(command.text("setupMetadata"));
      connector.setupPayload(DefaultPayload.create(command.text("setupData", "").getBytes(), metadata));
    }
    if (command.has("fragment")) connector.fragment(command.number("fragment"));
    if (command.has("resume")) connector.resume(resume());
    if (command.has("lease")) {
      connector.lease(spec -> {
        spec.maxPendingRequests(command.number("pending", 256));
        if (command.text("lease").equals("both")) spec.sender(leasesOf(id)::asFlux);
      });
    }
    connector
        .connect(transport(command))
        .subscribe(
            socket -> {
              open.put(id, socket);
              register(id, socket, metadataType);
              Tell.event(id, "connected");
            },
            error -> Tell.error(id, error));
  }

  /** Grants the peer of a connection a lease. */
  void grant(Command command) {
    Lease lease = Lease.create(Duration.ofMillis(command.number("ttlMs")), command.number("n"));
    leasesOf(command.text("id")).tryEmitNext(lease).orThrow();
  }

  void close(String id) {
    Disposable closed = open.remove(id);
    if (closed != null) closed.dispose();
  }

  RSocket socket(String id) {
    RSocket socket = sockets.get(id);
    if (socket == null) throw new IllegalArgumentException("no connection " + id);
    return socket;
  }

  /** How requests over a connection are written. */
  Dialect dialect(String id) {
    return dialects.get(id);
  }

  private void register(String id, RSocket socket, String metadataType) {
    sockets.put(id, socket);
    dialects.put(id, Dialect.of(metadataType));
    socket.onClose().subscribe(null, error -> Tell.event(id, "closed", "message", String.valueOf(error.getMessage())), () -> Tell.event(id, "closed", "message", null));
  }

  private Sinks.Many<Lease> leasesOf(String id) {
    return leases.computeIfAbsent(id, any -> Sinks.many().replay().latest());
  }

  private static Resume resume() {
    return new Resume().sessionDuration(Duration.ofSeconds(20)).streamTimeout(Duration.ofSeconds(5)).retry(Retry.fixedDelay(200, Duration.ofMillis(20)));
  }

  private static ClientTransport transport(Command command) {
    int port = command.number("port");
    return command.text("transport").equals("ws")
        ? WebsocketClientTransport.create(URI.create("ws://127.0.0.1:" + port + command.text("path", "/")))
        : TcpClientTransport.create("127.0.0.1", port);
  }
}
