package millrace.interop;

import io.rsocket.Payload;

/** How the metadata of a connection says which endpoint a request is for. */
interface Dialect {
  String COMPOSITE = "message/x.rsocket.composite-metadata.v0";
  String COMPACT = "application/vnd.millrace.metadata.v1";

  /** Metadata of a request, of what the command says about it. */
  byte[] request(Command command, boolean hasBody);

  /** What the metadata of a request says. */
  Request read(byte[] metadata);

  /** Whether the first payload of a channel carries an item. */
  boolean firstItemInRequest();

  /** Route of a request, `contract.endpoint`, and what else is of interest: credentials and MIME types. */
  record Request(String route, String credentials, String mimeType) {}

  /** The dialect of a MIME type; state, if there is any, is that of one direction of one connection. */
  static Dialect of(String mimeType) {
    return mimeType.equals(COMPACT) ? new CompactDialect() : new CompositeDialect();
  }

  /** Reads the metadata of a request. */
  default Request read(Payload payload) {
    return read(Tell.bytes(payload.sliceMetadata()));
  }
}
