import HTTP
import Kubernetes
import Linux
import NetTypes
import Transport

/// A client of one Kubernetes API server.
///
/// What the server refuses is thrown as `APIStatus`; anything else thrown means that it could not be
/// reached or did not answer as an API server does.
@Loop package final class KubeClient {
  private let http: HTTPClient
  private let origin: HTTPClient.Origin
  private let token: String?
  /// A path that the server's URL ends in, as behind a proxy.
  private let basePath: String

  package let server: String
  /// Names this client in requests and managed fields.
  package var userAgent = "atoll"

  private static let types = ResourceTypes()

  /// - Parameter socket: Makes the connections' sockets, in another network namespace perhaps.
  package init(
    kubeconfig: Kubeconfig,
    socket: @escaping SocketFactory = { try makeSocket(family: $0, type: $1) }
  ) throws {
    guard let url = HTTPURL(kubeconfig.server) else {
      throw KubeconfigError("server \"\(kubeconfig.server)\" is not an http or https URL")
    }
    var tls: TLSContext?
    if url.isSecure {
      tls =
        kubeconfig.skipsVerification
        ? try .clientWithoutVerification(certificate: kubeconfig.client)
        : try .client(
          trusted: kubeconfig.certificateAuthority, certificate: kubeconfig.client)
    }
    http = HTTPClient(tls: tls, socket: socket)
    var origin = HTTPClient.Origin(url)
    if let name = kubeconfig.tlsServerName { origin.serverName = name }
    self.origin = origin
    token = kubeconfig.token
    server = kubeconfig.server
    let path = RequestTarget(url.target).path
    basePath = path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  /// The path of a collection or an object.
  /// - Throws: `unknownResource` for what is not built in; use a path of your own then.
  package static func path(
    _ resource: GroupResource, namespace: String? = nil, name: String? = nil,
    subresource: String? = nil
  ) throws(APIStatus) -> String {
    guard let type = types.stored(resource) else { throw .unknownResource }
    var path = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
    if type.isNamespaced, let namespace, !namespace.isEmpty {
      path += "/namespaces/\(percentEncoded(namespace))"
    }
    path += "/\(type.plural)"
    if let name { path += "/\(percentEncoded(name))" }
    if let subresource { path += "/\(subresource)" }
    return path
  }

  static func path(
    _ resource: GroupResource, _ name: ResourceName, _ subresource: String? = nil
  ) throws(APIStatus) -> String {
    try path(resource, namespace: name.namespace, name: name.name, subresource: subresource)
  }

  /// Sends a request and returns the parsed answer; `.null` for an empty one, and the text as a
  /// string for one that is not JSON, as `/readyz` gives.
  package func request(
    _ method: String, _ path: String, query: [(String, String)] = [], body: JSON? = nil,
    contentType: String = "application/json", timeout: Duration = .seconds(30)
  ) async throws -> JSON {
    let response = try await send(
      method, path, query: query, body: body, contentType: contentType, timeout: timeout)
    let bytes = try await response.body.collect(timeout: timeout)
    if bytes.isEmpty { return .null }
    if !isJSON(response.head) { return .string(String(decoding: bytes, as: UTF8.self)) }
    do {
      return try JSON(parsing: bytes)
    } catch {
      throw TransportError.protocolError("\(method) \(path): answer is not JSON: \(error)")
    }
  }

  /// As `request`, with the body left to the caller.
  package func send(
    _ method: String, _ path: String, query: [(String, String)] = [], body: JSON? = nil,
    contentType: String = "application/json", timeout: Duration? = nil
  ) async throws -> HTTPClientResponse {
    var head = HTTPRequestHead(method: method, target: target(path, query))
    head.headers.add("Accept", "application/json")
    head.headers.add("User-Agent", userAgent)
    if let token { head.headers.add("Authorization", "Bearer \(token)") }
    if body != nil { head.headers.add("Content-Type", contentType) }
    let response = try await http.send(head, body: body?.bytes ?? [], to: origin, timeout: timeout)
    guard (200..<300).contains(response.status) else {
      throw await refusal(response, "\(method) \(path)")
    }
    return response
  }

  private func target(_ path: String, _ query: [(String, String)]) -> String {
    let pairs = query.map { "\(percentEncoded($0.0))=\(percentEncoded($0.1))" }
    let separator = path.contains("?") ? "&" : "?"
    return basePath + path + (pairs.isEmpty ? "" : separator + pairs.joined(separator: "&"))
  }

  private func refusal(_ response: HTTPClientResponse, _ what: String) async -> APIStatus {
    let code = response.status
    let bytes = (try? await response.body.collect(limit: 1 << 20, timeout: .seconds(5))) ?? []
    if isJSON(response.head), let json = try? JSON(parsing: bytes), json["kind"].string == "Status"
    {
      return APIStatus(json: json, code: code)
    }
    let text = String(decoding: bytes.prefix(200), as: UTF8.self)
    return APIStatus(
      code: code, reason: "", message: "\(what): the server answered \(code): \(text)")
  }

  private func isJSON(_ head: HTTPResponseHead) -> Bool {
    head.headers["Content-Type"]?.hasPrefix("application/json") ?? false
  }

  /// Closes connections that are not in use.
  package func closeIdle() { http.closeIdle() }
}
