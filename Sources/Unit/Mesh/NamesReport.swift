import Kubernetes
import NetTypes

/// What a name service says of the names that it steers: its `GET /status`, as values.
package struct NamesReport: Equatable, Sendable {
  package struct Member: Equatable, Sendable {
    package var unit: String
    package var address: String
    package var isUp: Bool
    package var isDraining: Bool
    package var share: Int
    /// State and reason of each, kept apart.
    package var probe: String
    package var route: String
    package var endpoints: String
  }

  package struct Name: Equatable, Sendable {
    package var name: String
    package var ttl: Duration
    package var answer: [String]
    package var members: [Member]
    /// The last time that answers left a member that went down.
    package var failOver: FailOver?
  }

  package struct FailOver: Equatable, Sendable {
    package var member: String
    /// From the last good sign of it to the answer without it.
    package var seconds: Double
  }

  /// Who is heard, the service itself among them.
  package var live: [String]
  package var voters: [String]
  package var isIsolated: Bool
  package var names: [Name]

  package init(_ status: JSON) {
    let quorum = status["quorum"]
    live = quorum["live"].elements.compactMap(\.string)
    voters = quorum["voters"].elements.compactMap(\.string)
    isIsolated = quorum["isolated"].bool ?? false
    names = status["wideIPs"].elements.map(Self.name)
  }

  private static func name(_ json: JSON) -> Name {
    Name(
      name: json["name"].string ?? "", ttl: .seconds(json["ttl"].int ?? 0),
      answer: json["answer"].elements.compactMap(\.string),
      members: json["members"].elements.map { member in
        Member(
          unit: member["unit"].string ?? "", address: member["address"].string ?? "",
          isUp: member["up"].bool ?? false, isDraining: member["draining"].bool ?? false,
          share: member["share"].int ?? 0, probe: fact(member["probe"]),
          route: fact(member["route"]), endpoints: fact(member["endpoints"]))
      }, failOver: failOver(json["failOver"]))
  }

  private static func failOver(_ json: JSON) -> FailOver? {
    guard let member = json["from"].string, let seconds = json["seconds"].double else { return nil }
    return FailOver(member: member, seconds: seconds)
  }

  private static func fact(_ json: JSON) -> String {
    json["state"].string ?? json.string ?? json.bool.map { $0 ? "up" : "down" } ?? "unknown"
  }

  /// Names that the unit has a part in; of them the one called `app`, where it is given, with or
  /// without the domain behind it.
  package func names(of unit: String, app: String?) -> [Name] {
    names.filter { name in
      name.members.contains { $0.unit == unit }
        && (app.map { Self.isCalled(name.name, $0) } ?? true)
    }
  }

  static func isCalled(_ name: String, _ app: String) -> Bool {
    func bare(_ text: String) -> String { text.hasSuffix(".") ? String(text.dropLast()) : text }
    return bare(name) == bare(app) || name.hasPrefix(app + ".")
  }

  /// The names that are still answered with the unit's own addresses.
  package func answered(with unit: String, app: String?) -> [String] {
    names(of: unit, app: app).filter { name in
      name.members.contains { $0.unit == unit && name.answer.contains($0.address) }
    }.map(\.name)
  }
}
