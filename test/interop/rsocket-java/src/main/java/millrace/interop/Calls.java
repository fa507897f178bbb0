package millrace.interop;

import io.rsocket.Payload;
import io.rsocket.RSocket;
import io.rsocket.util.DefaultPayload;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** The calls that a Java peer makes, by the id that their command gives them. */
final class Calls {
  private final Map<String, Call> calls = new ConcurrentHashMap<>();
  private final Map<String, Sinks.Many<Payload>> requests = new ConcurrentHashMap<>();

  void start(Command command, RSocket socket, Dialect dialect) {
    String id = command.text("id");
    Flux<Payload> replies =
        switch (command.text("kind")) {
          case "unary" -> socket.requestResponse(single(command, dialect)).flux();
          case "stream" -> socket.requestStream(single(command, dialect));
          case "tell" -> socket.fireAndForget(single(command, dialect)).cast(Payload.class).flux();
          case "push" -> socket.metadataPush(DefaultPayload.create(new byte[0], metadata(command, dialect, false))).cast(Payload.class).flux();
          case "channel" -> socket.requestChannel(items(command, dialect));
          default -> throw new IllegalArgumentException("kind " + command.text("kind"));
        };
    if (command.has("limitRate")) replies = replies.limitRate(command.number("limitRate"));
    Call call = new Call(id, command.has("demand") ? command.number("demand") : Long.MAX_VALUE);
    calls.put(id, call);
    replies.subscribe(call);
  }

  void more(String id, int n) {
    calls.get(id).request(n);
  }

  void cancel(String id) {
    calls.get(id).cancel();
    Tell.event(id, "cancelled");
  }

  void send(Command command) {
    requests.get(command.text("id")).tryEmitNext(DefaultPayload.create(data(command))).orThrow();
  }

  void end(String id) {
    requests.get(id).tryEmitComplete().orThrow();
  }

  void fail(String id, String message) {
    requests.get(id).tryEmitError(new IllegalStateException(message)).orThrow();
  }

  /** The requests of a channel: the numbers from 1 to `count`, or what `send` and `end` say later. */
  private Flux<Payload> items(Command command, Dialect dialect) {
    String id = command.text("id");
    Flux<Payload> items;
    if (command.has("count")) {
      items = Flux.range(1, command.number("count")).map(n -> DefaultPayload.create(utf8(String.valueOf(n))));
    } else {
      Sinks.Many<Payload> sink = Sinks.many().unicast().onBackpressureBuffer();
      requests.put(id, sink);
      items = sink.asFlux();
    }
    items =
        items
            .doOnRequest(n -> Tell.event(id, "requested", "n", n))
            .doOnCancel(() -> Tell.event(id, "requests cancelled"));
    if (!dialect.firstItemInRequest()) {
      return Flux.concat(Mono.just(DefaultPayload.create(new byte[0], metadata(command, dialect, false))), items);
    }
    AtomicBoolean first = new AtomicBoolean(true);
    return items.map(
        item -> first.getAndSet(false) ? DefaultPayload.create(Tell.bytes(item.sliceData()), metadata(command, dialect, true)) : item);
  }

  private static Payload single(Command command, Dialect dialect) {
    boolean hasBody = command.has("data") || command.has("base64") || command.has("fill");
    return DefaultPayload.create(data(command), metadata(command, dialect, hasBody));
  }

  private static byte[] metadata(Command command, Dialect dialect, boolean hasBody) {
    return command.has("metadata") ? Base64.getDecoder().decode(command.text("metadata")) : dialect.request(command, hasBody);
  }

  private static byte[] data(Command command) {
    if (command.has("base64")) return Base64.getDecoder().decode(command.text("base64"));
    if (command.has("fill")) return utf8('"' + Fill.text(command.number("fill")) + '"');
    return utf8(command.text("data", ""));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static final class Call extends BaseSubscriber<Payload> {
    private final String id;
    private final long demand;

    Call(String id, long demand) {
      this.id = id;
      this.demand = demand;
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      if (demand > 0) request(demand);
    }

    @Override
    protected void hookOnNext(Payload item) {
      Tell.payload(id, "item", item);
    }

    @Override
    protected void hookOnComplete() {
      Tell.event(id, "complete");
    }

    @Override
    protected void hookOnError(Throwable error) {
      Tell.error(id, error);
    }
  }
}
