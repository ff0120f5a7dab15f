import Glibc
import KubeClient
import Kubernetes
import Linux

/// What was done to a unit or a mesh, and how it is undone.
package struct Fault: Equatable, Sendable {
  /// One step back, as words: what to do, and to what.
  package enum Undo: Equatable, Sendable {
    /// A role of the unit, or of the mesh, may start again.
    case release(owner: String, role: String)
    /// A stopped process goes on, unless it is another by now.
    case proceed(pid: Int32, started: String)
    /// A site's line is plugged in again.
    case plug(mesh: String, site: String)
    /// An interface is set up again.
    case linkUp(namespace: String, interface: String)
    /// A relay in a line ends.
    case endRelay(pid: Int32, started: String)
    /// Two sites hear each other again: the fault's own rule goes.
    case reconnect(mesh: String)
    /// The sample application of this name behaves again.
    case behave(application: String, unit: String)
    /// A unit is brought up.
    case up(unit: String)
  }

  package var number: Int
  /// As it was ordered, with what chance has chosen: `kill pod whoami-x7 in west`.
  package var text: String
  package var since: Timestamp
  package var undo: [Undo]

  package var remedy: String {
    undo.isEmpty ? "it is over" : "`atoll fault heal \(number)` undoes it"
  }
}

extension Fault.Undo {
  var words: [String] {
    switch self {
    case .release(let owner, let role): ["release", owner, role]
    case .proceed(let pid, let started): ["continue", "\(pid)", started]
    case .plug(let mesh, let site): ["plug", mesh, site]
    case .linkUp(let namespace, let interface): ["link-up", namespace, interface]
    case .endRelay(let pid, let started): ["end-relay", "\(pid)", started]
    case .reconnect(let mesh): ["reconnect", mesh]
    case .behave(let application, let unit): ["behave", application, unit]
    case .up(let unit): ["up", unit]
    }
  }

  init?(words: [String]) {
    guard words.count > 1 else { return nil }
    let third = words.count > 2 ? words[2] : ""
    switch words[0] {
    case "release": self = .release(owner: words[1], role: third)
    case "continue": self = .proceed(pid: Int32(words[1]) ?? 0, started: third)
    case "plug": self = .plug(mesh: words[1], site: third)
    case "link-up": self = .linkUp(namespace: words[1], interface: third)
    case "end-relay": self = .endRelay(pid: Int32(words[1]) ?? 0, started: third)
    case "reconnect": self = .reconnect(mesh: words[1])
    case "behave": self = .behave(application: words[1], unit: third)
    case "up": self = .up(unit: words[1])
    default: return nil
    }
  }
}

extension Fault {
  package var json: JSON {
    [
      "number": JSON(number), "text": JSON(text), "since": JSON(since.microText),
      "undo": .array(undo.map { JSON($0.words) }), "remedy": JSON(remedy),
    ]
  }

  init?(json: JSON) {
    guard let number = json["number"].int, let text = json["text"].string,
      let since = json["since"].string.flatMap(Timestamp.init)
    else { return nil }
    self.init(
      number: number, text: text, since: since,
      undo: json["undo"].elements.compactMap { Undo(words: $0.elements.compactMap(\.string)) })
  }
}

/// Which faults there are, and what happened when: `/run/atoll/faults.json`.
package enum FaultJournal {
  /// What a drive draws on its timeline.
  package struct Entry: Equatable, Sendable {
    package var at: Timestamp
    package var text: String

    package init(at: Timestamp, text: String) {
      self.at = at
      self.text = text
    }
  }

  static let path = UnitDirectory.runtimeRoot + "/faults.json"
  private static let entryLimit = 500

  private static func read() -> JSON {
    (try? FileSystem.readText(path)).flatMap { try? JSON(parsing: $0) } ?? [:]
  }

  package static func active() -> [Fault] { read()["active"].elements.compactMap(Fault.init) }

  /// What happened since a moment.
  package static func entries(since: Timestamp) -> [Entry] {
    read()["entries"].elements.compactMap { entry in
      guard let at = entry["at"].string.flatMap(Timestamp.init), at >= since else { return nil }
      return Entry(at: at, text: entry["text"].string ?? "")
    }
  }

  /// Writes down that something was done; with steps back it stays active until it is healed.
  @Loop static func add(_ text: String, at: Timestamp = .now, undo: [Fault.Undo]) throws -> Fault {
    let lock = try FileLock.faults()
    defer { lock.release() }
    var json = read()
    let number = (json["last"].int ?? 0) + 1
    let fault = Fault(number: number, text: text, since: at, undo: undo)
    json["last"] = JSON(number)
    if !undo.isEmpty { json["active"] = .array(json["active"].elements + [fault.json]) }
    try write(&json, text, at)
    return fault
  }

  @Loop static func remove(_ fault: Fault) throws {
    let lock = try FileLock.faults()
    defer { lock.release() }
    var json = read()
    json["active"] = .array(json["active"].elements.filter { $0["number"].int != fault.number })
    try write(&json, "healed: \(fault.text)", .now)
  }

  private static func write(_ json: inout JSON, _ text: String, _ at: Timestamp) throws {
    let entry: JSON = ["at": JSON(at.microText), "text": JSON(text)]
    json["entries"] = .array((json["entries"].elements + [entry]).suffix(entryLimit))
    try FileSystem.write(json.prettyText + "\n", to: path)
  }

  /// Forgets the faults of units and meshes that are gone or whole again.
  @Loop static func forget(_ names: Set<String>) {
    for fault in active() where !fault.owners.isEmpty && fault.owners.isSubset(of: names) {
      try? remove(fault)
    }
  }
}

extension Fault {
  /// The units and meshes that it is about.
  var owners: Set<String> {
    Set(
      undo.map { step in
        switch step {
        case .release(let owner, _): owner
        case .reconnect(let mesh): mesh
        case .plug(_, let site): site
        case .behave(_, let unit), .up(let unit): unit
        case .linkUp(let namespace, _):
          namespace.split(separator: "-").dropFirst().first.map(String.init) ?? ""
        case .proceed, .endRelay: ""
        }
      }.filter { !$0.isEmpty })
  }
}
