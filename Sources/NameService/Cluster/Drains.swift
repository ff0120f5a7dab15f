import DNS
import Kubernetes
import Linux

/// What an operator has taken out of the answers: kept on disk, so that a restart does not undo it.
struct Drains: Equatable, Sendable {
  private let path: String
  /// The whole unit.
  private(set) var unit = false
  private(set) var apps: Set<DomainName> = []

  init(path: String) {
    self.path = path
    guard let bytes = try? FileSystem.read(path), let json = try? JSON(parsing: bytes) else {
      return
    }
    unit = json["unit"].bool ?? false
    apps = Set(json["apps"].elements.compactMap { $0.string.flatMap { DomainName($0) } })
  }

  func covers(_ names: Set<DomainName>) -> Bool { unit || !apps.isDisjoint(with: names) }

  mutating func set(unit isDraining: Bool) throws {
    unit = isDraining
    try save()
  }

  mutating func set(app: DomainName, _ isDraining: Bool) throws {
    if isDraining { apps.insert(app) } else { apps.remove(app) }
    try save()
  }

  private func save() throws {
    let json: JSON = [
      "unit": JSON(unit), "apps": .array(apps.sorted().map { .string("\($0)") }),
    ]
    try FileSystem.write(json.bytes, to: path, mode: 0o600)
  }
}
