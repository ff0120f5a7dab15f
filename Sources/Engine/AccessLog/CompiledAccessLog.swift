import Delivery
import Synchronization

/// An access log made ready for workers: literal text in one block, fields as small numbers, so
/// that a line costs no allocation and counts no reference.
///
/// `@unchecked Sendable`: nothing changes after `init`.
final class CompiledAccessLog: @unchecked Sendable {
  struct Part {
    enum Kind: UInt8 {
      /// Bytes of `text`.
      case text
      /// What was kept when the request came, in this order.
      case kept
      case field
    }

    var kind: Kind
    var field = AccessLog.Known.time
    var start: UInt32 = 0
    var count: UInt32 = 0
  }

  let configuration: AccessLog
  let sink: AccessLogSink
  let writer: AccessLogWriter
  let isJSON: Bool
  let parts: UnsafeMutableBufferPointer<Part>
  /// What is kept of a request's head, in order.
  let kept: [AccessLog.Field]
  let usesRequestID: Bool
  private let text: UnsafeMutableRawBufferPointer

  init(_ configuration: AccessLog, sink: AccessLogSink, writer: AccessLogWriter) {
    self.configuration = configuration
    self.sink = sink
    self.writer = writer
    var builder = Builder()
    switch configuration.format {
    case .json(let fields):
      isJSON = true
      for (index, field) in fields.enumerated() {
        builder.text(Array("\(index == 0 ? "{" : ",")\"\(field.name)\":".utf8))
        builder.field(field)
      }
      builder.text(Array("}\n".utf8))
    case .template(let parts):
      isJSON = false
      for part in parts {
        switch part {
        case .text(let bytes): builder.text(bytes)
        case .field(let field): builder.field(field)
        }
      }
      builder.text([UInt8(ascii: "\n")])
    }
    kept = builder.kept
    usesRequestID = kept.contains(.known(.requestID))
    text = .allocate(byteCount: builder.bytes.count, alignment: 1)
    text.copyBytes(from: builder.bytes)
    parts = .allocate(capacity: builder.parts.count)
    _ = parts.initialize(from: builder.parts)
  }

  deinit {
    text.deallocate()
    parts.deallocate()
    sink.users.subtract(1, ordering: .releasing)
  }

  func text(_ part: Part) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: text[Int(part.start)..<Int(part.start &+ part.count)])
  }

  private struct Builder {
    var parts: [Part] = []
    var bytes: [UInt8] = []
    var kept: [AccessLog.Field] = []

    mutating func text(_ text: [UInt8]) {
      let start = UInt32(bytes.count)
      bytes += text
      if let last = parts.indices.last, parts[last].kind == .text {
        parts[last].count += UInt32(text.count)
      } else {
        parts.append(Part(kind: .text, start: start, count: UInt32(text.count)))
      }
    }

    mutating func field(_ field: AccessLog.Field) {
      if case .known(let known) = field, !known.isOfRequestHead {
        parts.append(Part(kind: .field, field: known))
      } else {
        kept.append(field)
        parts.append(Part(kind: .kept))
      }
    }
  }
}

extension AccessLog.Known {
  /// Must be kept while the request is under way: its head does not stay.
  fileprivate var isOfRequestHead: Bool {
    switch self {
    case .method, .host, .path, .query, .userAgent, .referer, .requestID: true
    default: false
    }
  }
}
