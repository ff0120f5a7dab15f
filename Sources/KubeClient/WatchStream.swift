import Kubernetes
import Linux
import Transport

/// One event of a watch.
package enum WatchEvent: Hashable, Sendable {
  case added(JSON)
  case modified(JSON)
  case deleted(JSON)
  /// No change: how far the watch has come.
  case bookmark(resourceVersion: String)
}

/// A watch in progress: one JSON document a line.
@Loop package final class WatchStream {
  private let body: HTTPResponseBody
  private var buffer: [UInt8] = []
  private var scanned = 0
  private static let lineLimit = 16 << 20

  init(_ body: HTTPResponseBody) { self.body = body }

  /// The next event; nil when the server has ended the watch.
  /// - Throws: `APIStatus` for an ERROR event; `protocolError` for what is no event.
  package func next() async throws -> WatchEvent? {
    while true {
      if let end = buffer[scanned...].firstIndex(of: 0x0A) {
        let line = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        scanned = 0
        if line.isEmpty { continue }
        return try Self.parse(line)
      }
      scanned = buffer.count
      guard buffer.count <= Self.lineLimit else {
        throw TransportError.bodyTooLarge(limit: Self.lineLimit)
      }
      guard let bytes = try await body.next() else {
        if buffer.isEmpty { return nil }
        throw TransportError.protocolError("watch broke off inside an event")
      }
      buffer += bytes
    }
  }

  package func cancel() { body.cancel() }

  private static func parse(_ line: [UInt8]) throws -> WatchEvent {
    let json: JSON
    do {
      json = try JSON(parsing: line)
    } catch {
      throw TransportError.protocolError("watch event is not JSON: \(error)")
    }
    let object = json["object"]
    switch json["type"].string {
    case "ADDED": return .added(object)
    case "MODIFIED": return .modified(object)
    case "DELETED": return .deleted(object)
    case "BOOKMARK":
      return .bookmark(resourceVersion: object["metadata"]["resourceVersion"].string ?? "")
    case "ERROR": throw APIStatus(json: object, code: 500)
    default: throw TransportError.protocolError("watch event has no known type")
    }
  }
}

extension KubeClient {
  /// Watches the collection at `path` from `resourceVersion` on.
  package func watch(
    path: String, resourceVersion: String, labels: String? = nil, fields: String? = nil
  ) async throws -> WatchStream {
    let query =
      Self.selectors(labels, fields) + [
        ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", resourceVersion),
      ]
    return WatchStream(try await send("GET", path, query: query).body)
  }
}
