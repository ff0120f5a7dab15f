import Linux

/// A connected, ordered stream of bytes on the control loop: TCP, a Unix socket, or TLS over one.
///
/// One task reads and one task writes at a time. Closing, from anywhere, ends both with an error.
@Loop package protocol ByteStream: AnyObject {
  /// The next bytes, at most `limit`; empty at the end of the peer's stream.
  func read(atMost limit: Int) async throws -> [UInt8]
  /// Returns when all bytes are handed to the kernel: a slow peer suspends the writer.
  func write(_ bytes: [UInt8]) async throws
  /// Tells the peer that nothing more follows; reading goes on.
  func finishWriting() async
  func close()
  /// Closes, and gives `error` to whoever reads or writes.
  func fail(_ error: any Error)
  /// Called once, when the peer has closed or reset the connection. Set to nil to stop listening.
  var onPeerClosed: (@Loop () -> Void)? { get set }
  /// The peer has closed its side, or the connection is gone.
  var isPeerClosed: Bool { get }
  /// Who the peer proved to be by its certificate.
  var identity: PeerIdentity? { get }
}

/// What a verified client certificate says: Kubernetes' user name and groups.
package struct PeerIdentity: Hashable, Sendable {
  package let commonName: String
  package let organizations: [String]

  package init(commonName: String, organizations: [String] = []) {
    self.commonName = commonName
    self.organizations = organizations
  }
}
