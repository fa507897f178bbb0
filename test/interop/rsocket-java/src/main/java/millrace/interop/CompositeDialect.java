package millrace.interop;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.rsocket.metadata.AuthMetadataCodec;
import io.rsocket.metadata.CompositeMetadata;
import io.rsocket.metadata.CompositeMetadataCodec;
import io.rsocket.metadata.MimeTypeMetadataCodec;
import io.rsocket.metadata.RoutingMetadata;
import io.rsocket.metadata.TaggingMetadataCodec;
import io.rsocket.metadata.WellKnownAuthType;
import io.rsocket.metadata.WellKnownMimeType;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Composite metadata with routing, as rsocket-core's own helpers write and read it. */
final class CompositeDialect implements Dialect {
  private static final ByteBufAllocator ALLOCATOR = ByteBufAllocator.DEFAULT;

  @Override
  public byte[] request(Command command, boolean hasBody) {
    CompositeByteBuf composite = ALLOCATOR.compositeBuffer();
    if (command.has("pad")) add(composite, "text/plain", Unpooled.wrappedBuffer(new byte[command.number("pad")]));
    if (command.has("custom")) add(composite, command.text("custom"), Unpooled.wrappedBuffer(new byte[] {1, 2, 3}));
    if (command.has("route")) {
      add(composite, WellKnownMimeType.MESSAGE_RSOCKET_ROUTING, TaggingMetadataCodec.createTaggingContent(ALLOCATOR, List.of(command.text("route"))));
    }
    if (command.has("simple")) {
      String[] parts = command.text("simple").split(":");
      add(composite, WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION, AuthMetadataCodec.encodeSimpleMetadata(ALLOCATOR, parts[0].toCharArray(), parts[1].toCharArray()));
    }
    if (command.has("bearer")) {
      add(composite, WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION, AuthMetadataCodec.encodeBearerMetadata(ALLOCATOR, command.text("bearer").toCharArray()));
    }
    if (command.has("mimeType")) {
      add(composite, WellKnownMimeType.MESSAGE_RSOCKET_MIMETYPE, mimeType(command.text("mimeType")));
    }
    if (command.has("accept")) {
      add(composite, WellKnownMimeType.MESSAGE_RSOCKET_ACCEPT_MIMETYPES, MimeTypeMetadataCodec.encode(ALLOCATOR, List.of(command.text("accept").split(","))));
    }
    byte[] bytes = Tell.bytes(composite);
    composite.release();
    return bytes;
  }

  @Override
  public Request read(byte[] metadata) {
    String route = "";
    String credentials = "";
    String mimeType = "";
    for (CompositeMetadata.Entry entry : new CompositeMetadata(Unpooled.wrappedBuffer(metadata), false)) {
      String type = String.valueOf(entry.getMimeType());
      if (type.equals(WellKnownMimeType.MESSAGE_RSOCKET_ROUTING.getString())) {
        route = new RoutingMetadata(entry.getContent()).iterator().next();
      } else if (type.equals(WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION.getString())) {
        credentials = credentials(entry.getContent());
      } else if (type.equals(WellKnownMimeType.MESSAGE_RSOCKET_MIMETYPE.getString())) {
        mimeType = MimeTypeMetadataCodec.decode(entry.getContent()).get(0);
      }
    }
    return new Request(route, credentials, mimeType);
  }

  @Override
  public boolean firstItemInRequest() {
    return true;
  }

  private static String credentials(ByteBuf content) {
    if (!AuthMetadataCodec.isWellKnownAuthType(content)) return AuthMetadataCodec.readCustomAuthType(content).toString();
    if (AuthMetadataCodec.readWellKnownAuthType(content) == WellKnownAuthType.SIMPLE) {
      String user = AuthMetadataCodec.readUsername(content).toString(StandardCharsets.UTF_8);
      return "simple " + user + ":" + AuthMetadataCodec.readPassword(content).toString(StandardCharsets.UTF_8);
    }
    return "bearer " + new String(AuthMetadataCodec.readBearerTokenAsCharArray(content));
  }

  private static ByteBuf mimeType(String name) {
    WellKnownMimeType known = WellKnownMimeType.fromString(name);
    return known.getIdentifier() < 0 ? MimeTypeMetadataCodec.encode(ALLOCATOR, name) : MimeTypeMetadataCodec.encode(ALLOCATOR, known);
  }

  private static void add(CompositeByteBuf composite, WellKnownMimeType type, ByteBuf content) {
    CompositeMetadataCodec.encodeAndAddMetadata(composite, ALLOCATOR, type, content);
  }

  private static void add(CompositeByteBuf composite, String type, ByteBuf content) {
    CompositeMetadataCodec.encodeAndAddMetadataWithCompression(composite, ALLOCATOR, type, content);
  }
}
