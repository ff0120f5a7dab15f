import HTTP
import Kubernetes
import Linux
import NetTypes
import Transport

/// The API server on a socket: HTTPS with client certificates, whose common name is the user and
/// whose organisations are the groups.
@Loop
package final class APIListener {
  private let server: HTTPServer

  package var address: SocketAddress? { server.address }

  /// - Throws: what binding the address failed with.
  package init(
    api: APIServer, address: SocketAddress, tls: TLSContext?,
    user: (@Sendable (PeerIdentity?) -> UserInfo)? = nil
  ) throws {
    var limits = HTTPServer.Limits()
    // Above the API's own limit, so that its answer is a Status object.
    limits.bodyBytes = api.limits.body * 2
    let user = user ?? Self.user
    server = HTTPServer(listener: try Listener(address), tls: tls, limits: limits) { request in
      await Self.answer(request, api, user(request.identity))
    }
  }

  package func start() { server.start() }

  /// Watches end at once; other requests get `drain` to end.
  package func stop(drain: Duration = .milliseconds(500)) async { await server.stop(drain: drain) }

  /// Whom a certificate names; anonymous without one.
  private static let user: @Sendable (PeerIdentity?) -> UserInfo = { identity in
    guard let identity, !identity.commonName.isEmpty else { return .anonymous }
    return UserInfo(
      name: identity.commonName, groups: identity.organizations + ["system:authenticated"])
  }

  private static func answer(
    _ request: HTTPRequest, _ api: APIServer, _ user: UserInfo
  ) async -> HTTPResponse {
    var headers: [String: String] = [:]
    for field in request.head.headers.fields {
      let name = field.name.lowercased()
      // Several Accept lines are one list.
      headers[name] = headers[name].map { "\($0),\(field.value)" } ?? field.value
    }
    var asked = APIRequest(
      method: request.method, path: "", headers: headers, body: request.body, user: user)
    asked.setTarget(request.head.target)
    let answer = await api.handle(asked)
    var fields = HTTPHeaders()
    for (name, value) in answer.headers { fields.add(name, value) }
    let head = HTTPResponseHead(status: answer.status, headers: fields)
    switch answer.body {
    case .bytes(let bytes): return HTTPResponse(head: head, body: .bytes(bytes))
    case .stream(let chunks):
      return HTTPResponse(
        head: head,
        body: .stream { writer in
          for await chunk in chunks { try await writer.write(chunk) }
        })
    }
  }
}
