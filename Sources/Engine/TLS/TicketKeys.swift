import COpenSSL
import Glibc
import Synchronization

/// Keys of session tickets, RFC 5077 §4, shared by all workers and virtual servers of an engine.
///
/// 1. A key seals for its lifetime, by the clock: no worker tells another that it is time.
/// 2. The key before it still opens, and the ticket is then sealed anew.
/// 3. Each key is random: what is sealed with one that is gone stays closed (forward secrecy).
///
/// The virtual server that a ticket came from is part of what OpenSSL checks (session id context).
final class TicketKeys: Sendable {
  /// 16 octets name, 32 for AES-256, 32 for HMAC-SHA-256.
  struct Key {
    static let nameLength = 16
    var octets: [UInt8]
    var epoch: Int64
  }

  /// Of `find`.
  enum Found {
    case current(Key)
    case previous(Key)
  }

  private let lifetime: Int64

  /// - Parameter lifetime: Seconds that a key seals.
  init(lifetime: Int64) { self.lifetime = max(1, lifetime) }

  // A lock, as workers meet here; held for a comparison, at a handshake only.
  private let keys = Mutex<(current: Key, previous: Key?)?>(nil)

  /// The key that seals at `seconds`.
  func current(at seconds: Int64) -> Key? {
    keys.withLock { keys in rotate(&keys, seconds)?.current }
  }

  func find(_ name: UnsafePointer<UInt8>, at seconds: Int64) -> Found? {
    keys.withLock { keys in
      guard let (current, previous) = rotate(&keys, seconds) else { return nil }
      if current.isNamed(name) { return .current(current) }
      if let previous, previous.isNamed(name) { return .previous(previous) }
      return nil
    }
  }

  private func rotate(
    _ keys: inout (current: Key, previous: Key?)?, _ seconds: Int64
  ) -> (current: Key, previous: Key?)? {
    let epoch = seconds / lifetime
    if let known = keys, known.current.epoch >= epoch { return known }
    var octets = [UInt8](repeating: 0, count: 80)
    guard RAND_bytes(&octets, 80) == 1 else { return keys }
    let before = keys?.current
    keys = (
      current: Key(octets: octets, epoch: epoch),
      previous: before.flatMap { $0.epoch == epoch - 1 ? $0 : nil }
    )
    return keys
  }
}

extension TicketKeys.Key {
  func isNamed(_ name: UnsafePointer<UInt8>) -> Bool {
    octets.withUnsafeBytes { $0.baseAddress.map { memcmp($0, name, 16) == 0 } ?? false }
  }
}
