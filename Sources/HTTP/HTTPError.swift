/// Why a message was refused. Everything here ends the connection: after a framing error nobody
/// knows where the next message starts.
package enum HTTPError: Error, Equatable, Sendable {
  case headTooLarge(limit: Int)
  case tooManyFields(limit: Int)
  case targetTooLong(limit: Int)
  case invalidMethod
  case invalidTarget
  case invalidVersion
  case unsupportedVersion
  case invalidStatusLine
  case invalidFieldName
  case invalidFieldValue
  /// A line that continues the one above, RFC 9112 §5.2.
  case foldedField
  /// A line feed without its carriage return, or the reverse; RFC 9112 §2.2.
  case bareLineBreak
  case invalidContentLength
  case conflictingContentLength
  /// Both Content-Length and Transfer-Encoding, RFC 9112 §6.3.
  case ambiguousFraming
  case unsupportedTransferEncoding
  case missingHost
  case invalidHost
  case invalidChunk
  case chunkLineTooLong(limit: Int)
  case trailersTooLarge(limit: Int)
  case forbiddenTrailer
  case bodyTooLarge(limit: Int)
  /// The peer closed inside a message.
  case truncated

  /// The status that a server answers a request with; a proxy answers 502 for a bad response.
  package var status: Int {
    switch self {
    case .headTooLarge, .tooManyFields, .trailersTooLarge: 431
    case .targetTooLong: 414
    case .unsupportedVersion: 505
    case .unsupportedTransferEncoding: 501
    case .bodyTooLarge: 413
    default: 400
    }
  }
}

extension HTTPError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .headTooLarge(let limit): "head is larger than \(limit) bytes"
    case .tooManyFields(let limit): "head has more than \(limit) fields"
    case .targetTooLong(let limit): "request target is longer than \(limit) bytes"
    case .invalidMethod: "method is not a token"
    case .invalidTarget: "request target holds a byte it must not"
    case .invalidVersion: "request line does not end in HTTP/1.0 or HTTP/1.1"
    case .unsupportedVersion: "HTTP version is not 1.0 or 1.1"
    case .invalidStatusLine: "status line is malformed"
    case .invalidFieldName: "field name is not a token followed by a colon"
    case .invalidFieldValue: "field value holds a control character"
    case .foldedField: "field is folded over lines"
    case .bareLineBreak: "line does not end in CR LF"
    case .invalidContentLength: "Content-Length is not one decimal number"
    case .conflictingContentLength: "Content-Length is given more than once"
    case .ambiguousFraming: "both Content-Length and Transfer-Encoding are given"
    case .unsupportedTransferEncoding: "Transfer-Encoding is not exactly chunked"
    case .missingHost: "Host is missing"
    case .invalidHost: "Host is given twice or is not a host"
    case .invalidChunk: "chunk is malformed"
    case .chunkLineTooLong(let limit): "chunk line is longer than \(limit) bytes"
    case .trailersTooLarge(let limit): "trailers are larger than \(limit) bytes"
    case .forbiddenTrailer: "trailer names a framing or routing field"
    case .bodyTooLarge(let limit): "body is larger than \(limit) bytes"
    case .truncated: "connection closed inside a message"
    }
  }
}
