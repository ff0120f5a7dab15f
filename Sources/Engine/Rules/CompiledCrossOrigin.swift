import Delivery
import HTTP

/// Cross-origin rules as bytes.
struct CompiledCrossOrigin: Sendable {
  private struct Origin: Sendable {
    /// With `://`.
    var scheme: [UInt8]
    /// `.a.example` where any name below is meant.
    var host: [UInt8]
    var isWildcard: Bool
  }

  let settings: CrossOrigin
  let allowsAll: Bool
  let methods: [UInt8]
  let headers: [UInt8]
  let exposed: [UInt8]
  private let origins: [Origin]

  init(_ settings: CrossOrigin) {
    self.settings = settings
    allowsAll = settings.origins.contains("*")
    methods = Array(settings.methods.joined(separator: ", ").utf8)
    headers = Array(settings.headers.joined(separator: ", ").utf8)
    exposed = Array(settings.exposed.joined(separator: ", ").utf8)
    origins = settings.origins.compactMap { text in
      guard text != "*", let slashes = text.firstRange(of: "://") else { return nil }
      let host = text[slashes.upperBound...]
      let isWildcard = host.hasPrefix("*.")
      return Origin(
        scheme: Array(text[..<slashes.upperBound].lowercased().utf8),
        host: Array((isWildcard ? host.dropFirst(1) : host).lowercased().utf8),
        isWildcard: isWildcard)
    }
  }

  func allows(_ origin: UnsafeRawBufferPointer) -> Bool {
    if allowsAll { return true }
    return origins.contains { allowed in
      let (scheme, host) = (allowed.scheme.count, allowed.host.count)
      guard allowed.isWildcard ? origin.count > scheme + host : origin.count == scheme + host
      else { return false }
      return equal(origin, 0, allowed.scheme) && equal(origin, origin.count - host, allowed.host)
    }
  }

  private func equal(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ lowercase: [UInt8]) -> Bool {
    for index in 0..<lowercase.count where lower(bytes[start + index]) != lowercase[index] {
      return false
    }
    return true
  }
}
