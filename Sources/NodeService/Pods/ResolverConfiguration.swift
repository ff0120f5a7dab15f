import Kubernetes

/// What stands in a pod's /etc/resolv.conf (resolv.conf(5)), by kubelet's rules.
///
/// ```
/// dnsPolicy               nameservers       search                                options
/// ClusterFirst            the cluster's     NS.svc.DOMAIN svc.DOMAIN DOMAIN +node  ndots:5
///   with hostNetwork      as Default
/// ClusterFirstWithHostNet as ClusterFirst, with hostNetwork too
/// Default                 the node's        the node's                             the node's
/// None                    none              none                                   none
/// ```
/// To each `dnsConfig` adds; an option of its replaces one of the same name.
package struct ResolverConfiguration: Hashable, Sendable {
  package struct Option: Hashable, Sendable {
    package var name: String
    package var value: String?
  }

  /// As many as the resolver of the C library reads.
  package static let nameserverLimit = 3
  /// As many as Kubernetes allows.
  package static let searchLimit = 32

  package var nameservers: [String] = []
  package var searches: [String] = []
  package var options: [Option] = []

  package init() {}

  /// What a file says; lines of other kinds say nothing here. The last `search` or `domain` counts.
  package init(parsing text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      switch words.first {
      case "nameserver": nameservers += words.dropFirst().prefix(1)
      case "search", "domain": searches = Array(words.dropFirst())
      case "options":
        for word in words.dropFirst() {
          let sides = word.split(separator: ":", maxSplits: 1).map(String.init)
          set(Option(name: sides[0], value: sides.count > 1 ? sides[1] : nil))
        }
      default: break
      }
    }
  }

  /// - Parameter cluster: Where the cluster's names are asked for, and its domain; nil if nowhere.
  package init(
    of pod: PodSpecification, cluster: (nameserver: String, domain: String)?,
    node: ResolverConfiguration
  ) {
    let policy = pod.spec["dnsPolicy"].string ?? "ClusterFirst"
    switch policy {
    case "None": self.init()
    case "ClusterFirst" where !pod.isHostNetwork, "ClusterFirstWithHostNet":
      guard let cluster else { fallthrough }
      self.init()
      nameservers = [cluster.nameserver]
      searches =
        ["\(pod.namespace).svc.\(cluster.domain)", "svc.\(cluster.domain)", cluster.domain]
        + node.searches
      options = [Option(name: "ndots", value: "5")]
    default: self = node
    }
    let more = pod.spec["dnsConfig"]
    nameservers += more["nameservers"].elements.compactMap(\.string)
    searches += more["searches"].elements.compactMap(\.string)
    for option in more["options"].elements {
      set(Option(name: option["name"].string ?? "", value: option["value"].string))
    }
    nameservers = Array(Self.unique(nameservers).prefix(Self.nameserverLimit))
    searches = Array(Self.unique(searches).prefix(Self.searchLimit))
  }

  private mutating func set(_ option: Option) {
    guard !option.name.isEmpty else { return }
    if let index = options.firstIndex(where: { $0.name == option.name }) {
      options[index] = option
    } else {
      options.append(option)
    }
  }

  private static func unique(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }

  package var text: String {
    var lines: [String] = []
    if !searches.isEmpty { lines.append("search \(searches.joined(separator: " "))") }
    lines += nameservers.map { "nameserver \($0)" }
    if !options.isEmpty {
      let words = options.map { option in option.name + (option.value.map { ":\($0)" } ?? "") }
      lines.append("options \(words.joined(separator: " "))")
    }
    return lines.map { $0 + "\n" }.joined()
  }
}
