import BGP
import NetTypes

/// `debug bgp …`, `no debug bgp …`, `show debugging`, in FRR's words.
extension SpeakerDebugging {
  /// What the words of a command name, after `[no] debug bgp`.
  private static func topic(_ words: [String]) -> Topic {
    switch words.first {
    case "neighbor-events": .neighborEvents
    case "keepalives": .keepalives
    case "updates":
      words.contains("in") ? .updatesIn : words.contains("out") ? .updatesOut : .updates
    case "nht": .nextHops
    case "zebra": .kernel
    case "bfd": .bfd
    case "bestpath": .bestPath
    default: .all
    }
  }

  /// Runs `[no|un]debug bgp …`, words written out; what the shell answers.
  package mutating func run(_ words: [String]) -> String {
    let isOff = words.first != "debug"
    let rest = Array(words.drop { ["no", "debug", "undebug", "bgp", "all"].contains($0) })
    let topic = Self.topic(rest)
    let peer = rest.lazy.compactMap { IPAddress($0) }.first
    let prefix = rest.lazy.compactMap { IPPrefix($0) }.first
    if isOff {
      hide(topic, peer: peer, prefix: prefix)
    } else {
      show(topic, peer: peer, prefix: prefix)
    }
    if rest.isEmpty { return "All possible debugging has been turned off\n" }
    let name = Self.words(topic)
    let direction = topic == .updatesIn ? " (inbound)" : topic == .updatesOut ? " (outbound)" : ""
    let whom = (peer.map(\.description) ?? prefix?.description).map { " for \($0)" } ?? ""
    return "BGP \(name) debugging is \(isOff ? "off" : "on")\(direction)\(whom)\n"
  }

  /// `show debugging`.
  package var text: String {
    var text = "BGP debugging status:\n"
    let isBoth =
      topics.contains(.updates) && scope(.updatesIn).isEverything && scope(.updatesOut).isEverything
    for topic in Topic.each where topics.contains(topic) {
      if isBoth, topic == .updatesOut { continue }
      let scope = scope(topic)
      let direction =
        isBoth
        ? "" : topic == .updatesIn ? " (inbound)" : topic == .updatesOut ? " (outbound)" : ""
      let whom =
        scope.peers.sorted().map(\.description) + scope.prefixes.sorted().map(\.description)
      let name = topic == .nextHops ? "next-hop tracking" : Self.words(topic)
      let head = "  BGP \(name) debugging is on\(direction)"
      text += whom.isEmpty ? "\(head)\n" : whom.map { "\(head) for \($0)\n" }.joined()
    }
    return text + "\n"
  }

  private static func words(_ topic: Topic) -> String {
    switch topic {
    case .neighborEvents: "neighbor-events"
    case .keepalives: "keepalives"
    case .nextHops: "nexthop tracking"
    case .kernel: "zebra"
    case .bfd: "BFD library"
    case .bestPath: "bestpath"
    default: "updates"
    }
  }
}

extension ShellGrammar {
  static let debugging: Patterns = {
    let topics: [(String, String)] = [
      ("neighbor-events", "States, OPENs and NOTIFICATIONs"),
      ("neighbor-events A.B.C.D", "States, OPENs and NOTIFICATIONs of one neighbor"),
      ("keepalives", "KEEPALIVEs"), ("keepalives A.B.C.D", "KEEPALIVEs of one neighbor"),
      ("updates", "UPDATEs, both ways"), ("updates prefix A.B.C.D/M", "UPDATEs about a prefix"),
      ("updates in", "UPDATEs that come"), ("updates in A.B.C.D", "UPDATEs of one neighbor"),
      ("updates in prefix A.B.C.D/M", "UPDATEs that come about a prefix"),
      ("updates out", "UPDATEs that go"), ("updates out A.B.C.D", "UPDATEs to one neighbor"),
      ("updates out prefix A.B.C.D/M", "UPDATEs that go about a prefix"),
      ("zebra", "Changes of the kernel's table"),
      ("zebra prefix A.B.C.D/M", "Changes of the kernel's table, of a prefix"),
      ("nht", "Next-hop tracking"), ("bfd", "Sessions that watch paths"),
      ("bestpath A.B.C.D/M", "Which path of a prefix is best"),
    ]
    return topics.flatMap { pattern, help -> Patterns in
      ["debug bgp", "no debug bgp", "undebug bgp"].map { ("\($0) \(pattern)", help, .debug) }
    }
      + ["no debug bgp", "no debug all", "undebug bgp", "undebug all"].map {
        ($0, "Show nothing more of what BGP does", .debug)
      }
      + [("show debugging", "What is shown of BGP at work", .showDebugging)]
  }()
}
