import COpenSSL
import Glibc

/// What OpenSSL asks back during a handshake. It finds our side in a context's extra data, which
/// lives as long as the context: a handshake may outlast the configuration that began it.

/// Slots of our data in a context.
enum TLSIndex {
  static let policy = atoll_context_index(releaseData)
  static let names = atoll_context_index(releaseData)
  static let staple = atoll_context_index(releaseData)
}

private func releaseData(
  _: UnsafeMutableRawPointer?, _ data: UnsafeMutableRawPointer?,
  _: UnsafeMutablePointer<CRYPTO_EX_DATA>?,
  _: Int32, _: Int, _: UnsafeMutableRawPointer?
) {
  guard let data else { return }
  Unmanaged<AnyObject>.fromOpaque(data).release()
}

final class TLSPolicy {
  /// As in the extension: each with its length before it.
  let protocols: [UInt8]
  let tickets: TicketKeys
  let ticketCipher = EVP_CIPHER_fetch(nil, "AES-256-CBC", nil)

  init(alpn: [String], tickets: TicketKeys) {
    protocols = alpn.flatMap { [UInt8(clamping: $0.utf8.count)] + Array($0.utf8) }
    self.tickets = tickets
  }

  deinit { EVP_CIPHER_free(ticketCipher) }
}

/// Contexts by server name, those of `*.` names among them.
final class ServerNames {
  var contexts: [String: OpaquePointer] = [:]
  /// Contexts that this keeps: all but the first, which keeps this.
  var owned: [OpaquePointer] = []

  deinit { for context in owned { SSL_CTX_free(context) } }

  func context(for name: String) -> OpaquePointer? {
    let name = name.lowercased()
    if let exact = contexts[name] { return exact }
    guard let dot = name.firstIndex(of: ".") else { return nil }
    return contexts["*" + name[dot...]]
  }
}

func selectCertificate(
  _ ssl: OpaquePointer?, _: UnsafeMutablePointer<Int32>?, _: UnsafeMutableRawPointer?
) -> Int32 {
  guard let ssl, let data = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), TLSIndex.names),
    let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
  else { return SSL_TLSEXT_ERR_NOACK }
  let names = Unmanaged<ServerNames>.fromOpaque(data).takeUnretainedValue()
  guard let context = names.context(for: String(cString: name)) else {
    return SSL_TLSEXT_ERR_NOACK
  }
  if context != SSL_get_SSL_CTX(ssl) { SSL_set_SSL_CTX(ssl, context) }
  return SSL_TLSEXT_ERR_OK
}

func selectProtocol(
  _ ssl: OpaquePointer?, _ out: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ length: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ count: UInt32,
  _: UnsafeMutableRawPointer?
) -> Int32 {
  guard let out, let length, let offered, let policy = policy(of: ssl) else {
    return SSL_TLSEXT_ERR_NOACK
  }
  return policy.protocols.withUnsafeBufferPointer { own in
    var cursor = 0
    while cursor < own.count {
      let size = Int(own[cursor])
      var position = 0
      while position < Int(count) {
        let other = Int(offered[position])
        if other == size, position + other < Int(count), let base = own.baseAddress,
          memcmp(base + cursor + 1, offered + position + 1, size) == 0
        {
          out.pointee = offered + position + 1
          length.pointee = UInt8(size)
          return SSL_TLSEXT_ERR_OK
        }
        position += other + 1
      }
      cursor += size + 1
    }
    return own.isEmpty ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_ALERT_FATAL
  }
}

func ticketKey(
  _ ssl: OpaquePointer?, _ name: UnsafeMutablePointer<UInt8>?,
  _ vector: UnsafeMutablePointer<UInt8>?, _ cipher: OpaquePointer?, _ mac: OpaquePointer?,
  _ encrypts: Int32
) -> Int32 {
  guard let name, let vector, let policy = policy(of: ssl) else { return -1 }
  let now = Int64(time(nil))
  if encrypts == 1 {
    guard let key = policy.tickets.current(at: now), RAND_bytes(vector, 16) == 1 else { return -1 }
    return key.octets.withUnsafeBufferPointer { octets in
      guard let base = octets.baseAddress else { return -1 }
      memcpy(name, base, 16)
      return atoll_ticket_init(cipher, mac, policy.ticketCipher, base + 16, vector, 1)
    }
  }
  guard let found = policy.tickets.find(name, at: now) else { return 0 }
  let (key, verdict): (TicketKeys.Key, Int32) =
    switch found {
    case .current(let key): (key, 1)
    // Opens, and is to be sealed anew.
    case .previous(let key): (key, 2)
    }
  return key.octets.withUnsafeBufferPointer { octets in
    guard let base = octets.baseAddress,
      atoll_ticket_init(cipher, mac, policy.ticketCipher, base + 16, vector, 0) == 1
    else { return -1 }
    return verdict
  }
}

private func policy(of ssl: OpaquePointer?) -> TLSPolicy? {
  guard let ssl, let data = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), TLSIndex.policy) else {
    return nil
  }
  return Unmanaged<TLSPolicy>.fromOpaque(data).takeUnretainedValue()
}
