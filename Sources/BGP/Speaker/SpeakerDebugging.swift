import NetTypes

/// What operators have asked to see of a speaker at work: `debug bgp …`. While a topic is off nothing
/// of it is put into words.
package struct SpeakerDebugging: Equatable, Sendable {
  package struct Topic: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Which path of a prefix is best, and why.
    package static let bestPath = Topic(rawValue: 1)
    package static let keepalives = Topic(rawValue: 2)
    /// States, OPENs, NOTIFICATIONs and refreshes.
    package static let neighborEvents = Topic(rawValue: 4)
    /// Next-hop tracking.
    package static let nextHops = Topic(rawValue: 8)
    package static let updatesIn = Topic(rawValue: 16)
    package static let updatesOut = Topic(rawValue: 32)
    /// What goes to the kernel's table.
    package static let kernel = Topic(rawValue: 64)
    package static let bfd = Topic(rawValue: 128)

    package static let updates: Topic = [.updatesIn, .updatesOut]
    package static let all = Topic(rawValue: 255)
    package static var each: [Topic] { (0..<8).map { Topic(rawValue: 1 << $0) } }
  }

  /// What of a topic: these peers and these prefixes, or everything where neither is named.
  package struct Scope: Equatable, Sendable {
    package var peers: Set<IPAddress> = []
    package var prefixes: Set<IPPrefix> = []

    package init(peers: Set<IPAddress> = [], prefixes: Set<IPPrefix> = []) {
      self.peers = peers
      self.prefixes = prefixes
    }

    package var isEverything: Bool { peers.isEmpty && prefixes.isEmpty }
  }

  package private(set) var topics: Topic = []
  private var scopes: [Topic: Scope] = [:]

  package init() {}

  package func scope(_ topic: Topic) -> Scope { scopes[topic] ?? Scope() }

  /// Switches topics on. A peer or a prefix is added to those named before; without either, all is
  /// shown.
  package mutating func show(_ wanted: Topic, peer: IPAddress? = nil, prefix: IPPrefix? = nil) {
    for topic in Topic.each where wanted.contains(topic) {
      var scope = scope(topic)
      if peer == nil, prefix == nil { scope = Scope() }
      // What is shown whole already stays so.
      let isWhole = topics.contains(topic) && scope.isEverything
      if let peer, !isWhole { scope.peers.insert(peer) }
      if let prefix, !isWhole { scope.prefixes.insert(prefix) }
      scopes[topic] = scope
      topics.insert(topic)
    }
  }

  /// Switches topics off; or one peer or prefix of them, and the topic with its last.
  package mutating func hide(_ unwanted: Topic, peer: IPAddress? = nil, prefix: IPPrefix? = nil) {
    for topic in Topic.each where unwanted.contains(topic) {
      var scope = scope(topic)
      if peer != nil || prefix != nil {
        if scope.isEverything { continue }
        if let peer { scope.peers.remove(peer) }
        if let prefix { scope.prefixes.remove(prefix) }
      }
      let isOver = (peer == nil && prefix == nil) || scope.isEverything
      if isOver { topics.remove(topic) }
      scopes[topic] = isOver ? nil : scope
    }
  }

  /// Whether something is to be shown.
  package func shows(_ topic: Topic, _ peer: IPAddress?, _ prefix: IPPrefix? = nil) -> Bool {
    guard topics.contains(topic) else { return false }
    let scope = scope(topic)
    if scope.isEverything { return true }
    if let peer, scope.peers.contains(peer) { return true }
    guard let prefix else { return false }
    return scope.prefixes.contains(prefix)
  }
}

/// One thing that was asked to be seen, in FRR's words.
package struct SpeakerTrace: Equatable, Sendable {
  package var topic: SpeakerDebugging.Topic
  package var peer: IPAddress?
  package var prefix: IPPrefix?
  package var text: String
  /// Why it came so; nil where there is nothing to say.
  package var reason: String?

  package init(
    _ topic: SpeakerDebugging.Topic, peer: IPAddress? = nil, prefix: IPPrefix? = nil,
    _ text: String, reason: String? = nil
  ) {
    self.topic = topic
    self.peer = peer
    self.prefix = prefix
    self.text = text
    self.reason = reason
  }
}
