import Delivery
import Engine
import HTTP
import Kubernetes
import Linux
import NetTypes
import Telemetry
import Transport

/// What the control socket of an edge serves of its data plane, alone or in a unit:
///
///     GET  /edge     virtual servers, pools and members with counts and times, as JSON
///     POST /members  {pool, member, state, weight} changes one member, or without `member` all;
///                    {pool, member, reset: true} takes the changes back
///
/// A change lasts until the member's own configuration changes.
@Loop struct EdgeControl {
  let engine: Engine

  /// Nil: it is no request of the data plane's.
  func answer(_ request: HTTPRequest) -> HTTPResponse? {
    switch (request.method, request.target.path) {
    case ("GET", "/edge"): return Self.json(200, engine.snapshot().json)
    case ("POST", "/members"):
      do throws(Engine.ChangeRefusal) {
        return Self.json(200, try change(request.body))
      } catch {
        let status = if case .notFound = error { 404 } else { 422 }
        return Self.json(status, error.problem.json)
      }
    case (_, "/edge"), (_, "/members"):
      return HTTPResponse(status: 405, text: "\(request.method) is not served here\n")
    default: return nil
    }
  }

  private func change(_ body: [UInt8]) throws(Engine.ChangeRefusal) -> JSON {
    func problem(
      _ field: String, _ found: String, _ expected: String
    ) -> Engine.ChangeRefusal {
      .invalid(Problem(object: "request", field: field, found: found, expected: expected))
    }
    guard let json = try? JSON(parsing: body), let pool = json["pool"].string else {
      throw problem("body", "no pool", "a JSON object with pool, and state, weight or reset")
    }
    var address: SocketAddress?
    if let text = json["member"].string {
      address = SocketAddress(text)
      if address == nil { throw problem("member", "\"\(text)\"", "ADDRESS:PORT") }
    }
    var change = RuntimeChange(weight: json["weight"].int)
    if let text = json["state"].string {
      change.state = Member.State(rawValue: text)
      if change.state == nil {
        throw problem("state", "\"\(text)\"", "enabled, draining or disabled")
      }
    }
    if json["reset"].bool == true {
      change = RuntimeChange()
    } else if change.isEmpty {
      throw problem("state", "no change", "state, weight or reset")
    }
    try engine.change(pool: pool, member: address, to: change)
    let members = engine.snapshot().pools.first { $0.name == pool }?.members ?? []
    return [
      "pool": .string(pool),
      "members": .array(
        members.filter { address == nil || $0.address == address }.map(EngineSnapshot.json)),
    ]
  }

  static func json(_ status: Int, _ json: JSON) -> HTTPResponse {
    HTTPResponse(status: status, contentType: "application/json", body: json.bytes)
  }
}

extension Problem {
  fileprivate var json: JSON {
    [
      "object": .string(object), "field": .string(field), "found": .string(found),
      "expected": .string(expected),
    ]
  }
}
