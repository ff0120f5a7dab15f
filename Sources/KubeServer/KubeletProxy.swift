import Linux

/// The way to a node's kubelet API (:10250), for logs.
@Loop
package protocol KubeletProxy: AnyObject {
  /// Asks the kubelet at `address` (`host:port`).
  /// - Throws: what the connection failed with.
  func request(
    node: String, address: String, path: String, query: [(name: String, value: String)]
  ) async throws -> KubeletResponse
}

/// What a kubelet answered; the body comes as it is written.
package struct KubeletResponse: Sendable {
  package let status: Int
  package let body: AsyncStream<[UInt8]>

  package init(status: Int, body: AsyncStream<[UInt8]>) {
    self.status = status
    self.body = body
  }
}
