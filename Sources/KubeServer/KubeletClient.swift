import HTTP
import Linux
import Transport

/// The kubelets of the nodes over HTTPS, with the API server's client certificate.
@Loop
package final class KubeletClient: KubeletProxy {
  private let client: HTTPClient

  package init(tls: TLSContext) {
    client = HTTPClient(tls: tls)
  }

  package func request(
    node: String, address: String, path: String, query: [(name: String, value: String)]
  ) async throws -> KubeletResponse {
    let pairs = query.map { "\(Self.encoded($0.name))=\(Self.encoded($0.value))" }
    let suffix = pairs.isEmpty ? "" : "?\(pairs.joined(separator: "&"))"
    guard let url = HTTPURL("https://\(address)\(path)\(suffix)") else {
      throw TransportError.tls("\(address) is not the address of a kubelet")
    }
    let response = try await client.get(url)
    let body = response.body
    let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
    let task = Task { @Loop in
      while !Task.isCancelled, let bytes = try? await body.next() { continuation.yield(bytes) }
      continuation.finish()
    }
    continuation.onTermination = { _ in task.cancel() }
    return KubeletResponse(status: response.status, body: stream)
  }

  private static func encoded(_ text: String) -> String {
    var output = ""
    for byte in text.utf8 {
      let scalar = Unicode.Scalar(byte)
      let isPlain =
        scalar.properties.isAlphabetic && byte < 0x80 || (0x30...0x39).contains(byte)
        || "-._~".utf8.contains(byte)
      if isPlain {
        output.unicodeScalars.append(scalar)
      } else {
        output += byte < 16 ? "%0" : "%"
        output += String(byte, radix: 16, uppercase: true)
      }
    }
    return output
  }
}
