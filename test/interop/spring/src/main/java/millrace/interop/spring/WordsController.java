package millrace.interop.spring;

import org.springframework.messaging.handler.annotation.MessageMapping;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What an application with Spring writes to answer requests. */
@MessageMapping("words")
public class WordsController {
  @MessageMapping("count")
  public Mono<Integer> count(String text) {
    return Mono.just(text.split(" ").length);
  }

  @MessageMapping("each")
  public Flux<String> each(String text) {
    return Flux.fromArray(text.split(" "));
  }

  @MessageMapping("lengths")
  public Flux<Integer> lengths(Flux<String> words) {
    return words.map(String::length);
  }

  @MessageMapping("total")
  public Mono<Integer> total(Flux<String> words) {
    return words.map(String::length).reduce(0, Integer::sum);
  }

  @MessageMapping("fail")
  public Mono<Integer> fail(String text) {
    return Mono.error(new IllegalArgumentException("no count of " + text));
  }
}
