import NetTypes

/// What can be made to fail, in a line of words: typed after `atoll fault`, or in a timeline.
///
/// ```
/// kill|pause|resume  unit NAME | edge NAME | dns NAME | control-plane NAME | wan
///                    node NAME | pod NAME [in UNIT]
/// cut|mend           link A B               sites, or wan
/// delay link SITE 50ms [10ms]               one way each, and its jitter
/// lose  link SITE 5%
/// answer 500 from APP [in UNIT]
/// hang  APP [in UNIT]
/// heal [NUMBER]
/// ```
package enum FaultOrder: Equatable, Sendable {
  package enum Target: Equatable, Sendable {
    case unit(String)
    /// A role of a unit, by the name of its process: `edge`, `dns`, `apiserver`.
    case role(String, unit: String)
    /// What is between the units: the router `wan`.
    case router
    /// `agent-0` of a unit, or `west-agent-0`.
    case node(String, unit: String?)
    /// The pod of that name, or one whose name begins so.
    case pod(String, unit: String?)
  }

  case kill(Target)
  case pause(Target)
  case resume(Target)
  case cut(String, String)
  case mend(String, String)
  case delay(site: String, Duration, jitter: Duration)
  /// In a thousand.
  case lose(site: String, permille: Int)
  case answer(status: Int, application: String, unit: String?)
  case hang(application: String, unit: String?)
  /// The fault of that number, or all.
  case heal(Int?)

  /// - Throws: what was found and what was expected.
  package init(_ words: [String]) throws(UnitError) {
    var rest = words[...]
    let verb = rest.popFirst() ?? ""
    switch verb {
    case "kill": self = .kill(try Self.target(&rest))
    case "pause": self = .pause(try Self.target(&rest))
    case "resume": self = .resume(try Self.target(&rest))
    case "cut", "mend":
      try Self.expect("link", &rest)
      let a = try Self.word(&rest, "a site")
      let b = rest.popFirst() ?? "wan"
      self = verb == "cut" ? .cut(a, b) : .mend(a, b)
    case "delay":
      try Self.expect("link", &rest)
      let site = try Self.word(&rest, "a site")
      let delay = try Self.duration(&rest)
      self = .delay(site: site, delay, jitter: rest.isEmpty ? .zero : try Self.duration(&rest))
    case "lose":
      try Self.expect("link", &rest)
      let site = try Self.word(&rest, "a site")
      self = .lose(site: site, permille: try Self.permille(&rest))
    case "answer":
      let text = try Self.word(&rest, "a status")
      guard let status = Int(text), (200...599).contains(status) else {
        throw UnitError("fault: found \"\(text)\", expected a status, 200 to 599")
      }
      try Self.expect("from", &rest)
      let application = try Self.word(&rest, "an application")
      self = .answer(status: status, application: application, unit: try Self.unit(&rest))
    case "hang":
      let application = try Self.word(&rest, "an application")
      self = .hang(application: application, unit: try Self.unit(&rest))
    case "heal":
      guard let text = rest.popFirst() else {
        self = .heal(nil)
        return
      }
      guard let number = Int(text) else {
        throw UnitError("fault: found \"\(text)\", expected a fault's number: atoll fault list")
      }
      self = .heal(number)
    default:
      throw UnitError(
        "fault: found \"\(verb)\", expected kill, pause, resume, cut, mend, delay, lose, answer, "
          + "hang or heal")
    }
    if let extra = rest.first { throw UnitError("fault: found \"\(extra)\", expected the end") }
  }

  /// Whether what it comes to is that faults are over.
  package var isHealing: Bool {
    switch self {
    case .heal, .mend, .resume: true
    default: false
    }
  }

  private static func word(
    _ rest: inout ArraySlice<String>, _ expected: String
  ) throws(UnitError) -> String {
    guard let word = rest.popFirst() else {
      throw UnitError("fault: found the end, expected \(expected)")
    }
    return word
  }

  private static func expect(_ word: String, _ rest: inout ArraySlice<String>) throws(UnitError) {
    let found = try Self.word(&rest, word)
    if found != word { throw UnitError("fault: found \"\(found)\", expected \(word)") }
  }

  private static func unit(_ rest: inout ArraySlice<String>) throws(UnitError) -> String? {
    guard !rest.isEmpty else { return nil }
    try expect("in", &rest)
    return try word(&rest, "a unit")
  }

  private static func target(_ rest: inout ArraySlice<String>) throws(UnitError) -> Target {
    let kind = try word(&rest, "unit, edge, dns, control-plane, wan, node or pod")
    switch kind {
    case "unit": return .unit(try word(&rest, "a unit"))
    case "edge", "dns": return .role(kind, unit: try word(&rest, "a unit"))
    case "control-plane": return .role("apiserver", unit: try word(&rest, "a unit"))
    case "wan": return .router
    case "node":
      let name = try word(&rest, "a node")
      return .node(name, unit: try unit(&rest))
    case "pod":
      let name = try word(&rest, "a pod")
      return .pod(name, unit: try unit(&rest))
    default:
      throw UnitError(
        "fault: found \"\(kind)\", expected unit, edge, dns, control-plane, wan, node or pod")
    }
  }

  private static func duration(_ rest: inout ArraySlice<String>) throws(UnitError) -> Duration {
    let text = try word(&rest, "a time, as 50ms")
    guard let duration = Duration(words: text) else {
      throw UnitError("fault: found \"\(text)\", expected a time, as 50ms or 5s")
    }
    return duration
  }

  private static func permille(_ rest: inout ArraySlice<String>) throws(UnitError) -> Int {
    let text = try word(&rest, "a share, as 5%")
    guard text.hasSuffix("%"), let percent = Double(text.dropLast()), (0...100).contains(percent)
    else { throw UnitError("fault: found \"\(text)\", expected a share, as 5% or 0.5%") }
    return Int((percent * 10).rounded())
  }
}

extension Duration {
  /// `500ms`, `5s`, `2m` or plain seconds.
  package init?(words text: String) {
    let digits = text.prefix { $0.isNumber || $0 == "." }
    guard let value = Double(digits), value >= 0, value < 1_000_000 else { return nil }
    switch text[digits.endIndex...] {
    case "", "s": self = .milliseconds(Int64(value * 1000))
    case "ms": self = .microseconds(Int64(value * 1000))
    case "m": self = .milliseconds(Int64(value * 60_000))
    default: return nil
    }
  }
}
