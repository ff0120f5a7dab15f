import HTTP
import Kubernetes
import Linux
import Transport

/// The other end of an edge's control socket.
@Loop package struct EdgeClient {
  private let origin: HTTPClient.Origin

  package init(socket: String) { origin = HTTPClient.Origin(unixPath: socket) }

  /// Virtual servers, pools and members, as JSON for `EdgeReport`.
  package func dump() async throws -> JSON { try await exchange("GET", "/edge") }

  package func status() async throws -> JSON { try await exchange("GET", "/status") }

  /// Changes a member, or all of a pool without one, and gives those as they are then.
  package func change(pool: String, member: String?, _ fields: [String: JSON]) async throws -> JSON
  {
    var body: JSON = .object(fields)
    body["pool"] = .string(pool)
    body["member"] = JSON(member)
    return try await exchange("POST", "/members", body)
  }

  /// Has the edge start its next process and hand over to it.
  /// - Parameter executable: The program; nil is the file that the running one was started from.
  /// - Returns: the next process.
  package func upgrade(executable: String?) async throws -> Int {
    let answer = try await exchange(
      "POST", "/upgrade", ["executable": JSON(executable)], timeout: .seconds(60))
    return answer["pid"].int ?? 0
  }

  /// - Throws: `EdgeRefusal` with what the edge says.
  func exchange(
    _ method: String, _ target: String, _ body: JSON? = nil, timeout: Duration? = nil
  ) async throws -> JSON {
    let answer = try await HTTPClient().send(
      HTTPRequestHead(method: method, target: target), body: body?.bytes ?? [], to: origin,
      timeout: timeout)
    let bytes = try await answer.body.collect(limit: 64 << 20)
    let json = try? JSON(parsing: bytes)
    guard (200..<300).contains(answer.status), let json else {
      throw EdgeRefusal(json ?? .string(String(decoding: bytes, as: UTF8.self)))
    }
    return json
  }
}

/// Why an edge does not do what it was asked.
package struct EdgeRefusal: Error, CustomStringConvertible {
  package let description: String

  init(_ json: JSON) {
    guard let found = json["found"].string, let expected = json["expected"].string else {
      description = json["reason"].string ?? json.string ?? json.text
      return
    }
    description =
      "\(json["object"].string ?? "request"): \(json["field"].string ?? "") is \(found), expected \(expected)"
  }
}
