package millrace.interop.spring;

import org.springframework.messaging.handler.annotation.MessageMapping;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What an application with Spring writes to answer requests. */
@MessageMapping("words")
public class WordsController {
  /** A body that is an object of JSON. */
  public record Line(String text) {
    String[] words() {
      return text.split(" ");
    }
  }

  @MessageMapping("count")
  public Mono<Integer> count(Line line) {
    return Mono.just(line.words().length);
  }

  @MessageMapping("each")
  public Flux<Line> each(Line line) {
    return Flux.fromArray(line.words()).map(Line::new);
  }

  @MessageMapping("lengths")
  public Flux<Integer> lengths(Flux<Line> lines) {
    return lines.map(line -> line.text().length());
  }

  @MessageMapping("total")
  public Mono<Integer> total(Flux<Line> lines) {
    return lines.map(line -> line.text().length()).reduce(0, Integer::sum);
  }

  @MessageMapping("fail")
  public Mono<Integer> fail(Line line) {
    return Mono.error(new IllegalArgumentException("no count of " + line.text()));
  }

  @MessageMapping("nothing")
  public Mono<Line> nothing() {
    return Mono.empty();
  }
}
