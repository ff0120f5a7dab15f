import COpenSSL
import Glibc
import NetTypes

/// A member's name in a cookie: sixteen letters that only who has the key can make, and that tell
/// nothing about its address. HMAC-SHA-256 (RFC 2104), the first 96 bits, in base64url (RFC 4648 §5).
struct MemberToken: Hashable, Sendable {
  static let length = 16

  /// The letters.
  let words: (UInt64, UInt64)

  init(_ member: SocketAddress, key: [UInt8]) {
    let message = Array("member \(member)".utf8)
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    let made = HMAC(
      EVP_sha256(), key, Int32(key.count), message, message.count, &digest, &count)
    precondition(made != nil && count == 32, "HMAC-SHA-256 is always there")
    let alphabet = Array(
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var letters: [UInt8] = []
    for group in 0..<4 {
      let bits =
        UInt32(digest[group * 3]) << 16 | UInt32(digest[group * 3 + 1]) << 8
        | UInt32(digest[group * 3 + 2])
      for shift in [18, 12, 6, 0] as [UInt32] { letters.append(alphabet[Int(bits >> shift & 63)]) }
    }
    words = letters.withUnsafeBytes {
      ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
  }

  init?(_ text: UnsafeRawBufferPointer) {
    guard text.count == MemberToken.length else { return nil }
    words = (
      text.loadUnaligned(as: UInt64.self), text.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    )
  }

  static func == (a: MemberToken, b: MemberToken) -> Bool { a.words == b.words }

  func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
  }

  /// A key of this machine's own that outlives the process: machine-id(5), which is not to be shown
  /// itself.
  static let machineKey: [UInt8] = {
    guard let file = fopen("/etc/machine-id", "r") else {
      return (0..<32).map { _ in UInt8.random(in: .min ... .max) }
    }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array("atoll persistence ".utf8) + bytes[..<count]
  }()
}
