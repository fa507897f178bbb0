package millrace.interop;

import io.netty.util.CharsetUtil;
import io.rsocket.ConnectionSetupPayload;
import io.rsocket.Payload;
import io.rsocket.RSocket;
import io.rsocket.exceptions.ApplicationErrorException;
import io.rsocket.exceptions.CanceledException;
import io.rsocket.exceptions.CustomRSocketException;
import io.rsocket.exceptions.InvalidException;
import io.rsocket.exceptions.RejectedException;
import io.rsocket.util.DefaultPayload;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What a Java peer answers, by endpoint. Bodies are JSON, but for `echo`, which takes any bytes. */
final class Handlers implements RSocket {
  private final String id;
  private final Dialect dialect;

  Handlers(String id, String metadataType) {
    this.id = id;
    this.dialect = Dialect.of(metadataType);
  }

  /** Tells what a SETUP frame says. */
  static void tellSetup(String id, ConnectionSetupPayload setup) {
    Tell.event(
        id, "setup",
        "metadataType", setup.metadataMimeType(), "dataType", setup.dataMimeType(),
        "keepAliveMs", setup.keepAliveInterval(), "maxLifetimeMs", setup.keepAliveMaxLifetime(),
        "lease", setup.willClientHonorLease(), "resume", setup.isResumeEnabled(),
        "metadata", setup.hasMetadata() ? Tell.bytes(setup.sliceMetadata()) : null, "data", Tell.bytes(setup.sliceData()));
  }

  @Override
  public Mono<Payload> requestResponse(Payload payload) {
    Dialect.Request request = read(payload);
    String body = payload.getDataUtf8();
    switch (endpoint(request)) {
      case "echo":
        return Mono.just(DefaultPayload.create(Tell.bytes(payload.sliceData())));
      case "fail":
        return Mono.error(failure(body.replace("\"", "")));
      case "nothing":
        return Mono.empty();
      case "never":
        return Mono.<Payload>never().doOnCancel(() -> Tell.event(id, "cancelled", "route", request.route()));
      case "fill":
        return Mono.just(json('"' + Fill.text(Integer.parseInt(body)) + '"'));
      case "credentials":
        return Mono.just(json('"' + request.credentials() + '"'));
      default:
        return Mono.error(new InvalidException("no such endpoint: " + request.route()));
    }
  }

  @Override
  public Mono<Void> fireAndForget(Payload payload) {
    Tell.event(id, "told", "route", read(payload).route(), "data", Tell.bytes(payload.sliceData()));
    return Mono.empty();
  }

  @Override
  public Flux<Payload> requestStream(Payload payload) {
    Dialect.Request request = read(payload);
    Flux<Payload> items =
        switch (endpoint(request)) {
          case "range" -> Flux.range(0, Integer.parseInt(payload.getDataUtf8())).map(i -> json(String.valueOf(i)));
          case "fills" -> Flux.range(0, 3).map(i -> json('"' + Fill.text(Integer.parseInt(payload.getDataUtf8())) + '"'));
          case "forever" -> Flux.never();
          case "none" -> Flux.empty();
          default -> Flux.error(new InvalidException("no such endpoint: " + request.route()));
        };
    return told(items, request.route());
  }

  @Override
  public Flux<Payload> requestChannel(Publisher<Payload> payloads) {
    return Flux.from(payloads)
        .doOnCancel(() -> Tell.event(id, "requests cancelled"))
        .switchOnFirst(
            (first, all) -> {
              if (!first.hasValue()) return all;
              Dialect.Request request = read(first.get());
              return told(answer(request, dialect.firstItemInRequest() ? all : all.skip(1)), request.route());
            });
  }

  @Override
  public Mono<Void> metadataPush(Payload payload) {
    Tell.event(id, "pushed", "metadata", Tell.bytes(payload.sliceMetadata()));
    return Mono.empty();
  }

  private static Flux<Payload> answer(Dialect.Request request, Flux<Payload> items) {
    Flux<Integer> numbers = items.map(item -> Integer.parseInt(item.getData().remaining() == 0 ? "0" : item.getDataUtf8()));
    return switch (endpoint(request)) {
      case "twice" -> numbers.map(number -> json(String.valueOf(number * 2)));
      case "sum" -> numbers.reduce(0, Integer::sum).map(sum -> json(String.valueOf(sum))).flux();
      case "firstTwo" -> numbers.take(2).map(number -> json(String.valueOf(number))).concatWith(Flux.just(json("99")));
      case "refuse" -> Flux.error(new ApplicationErrorException("refused in a channel"));
      default -> Flux.error(new InvalidException("no such endpoint: " + request.route()));
    };
  }

  private Flux<Payload> told(Flux<Payload> items, String route) {
    return items
        .doOnRequest(n -> Tell.event(id, "requested", "route", route, "n", n))
        .doOnCancel(() -> Tell.event(id, "cancelled", "route", route));
  }

  private Dialect.Request read(Payload payload) {
    Dialect.Request request = dialect.read(payload);
    Tell.event(id, "request", "route", request.route(), "credentials", request.credentials(), "mimeType", request.mimeType(), "metadataLength", payload.sliceMetadata().readableBytes());
    return request;
  }

  private static String endpoint(Dialect.Request request) {
    return request.route().substring(request.route().lastIndexOf('.') + 1);
  }

  private static RuntimeException failure(String kind) {
    return switch (kind) {
      case "rejected" -> new RejectedException("rejected on purpose");
      case "invalid" -> new InvalidException("invalid on purpose");
      case "canceled" -> new CanceledException("canceled on purpose");
      case "custom" -> new CustomRSocketException(0x301, "custom on purpose");
      case "high" -> new CustomRSocketException(0xfffffffe, "high on purpose");
      default -> new IllegalStateException("thrown on purpose");
    };
  }

  private static Payload json(String text) {
    return DefaultPayload.create(text.getBytes(CharsetUtil.UTF_8));
  }
}
