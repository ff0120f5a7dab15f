import BGP
import NetTypes

/// Which paths of the table an operator asks for.
struct ShellQuery: Sendable {
  enum Scope: Equatable, Sendable {
    case everything
    /// One prefix.
    case prefix(IPPrefix)
    /// The longest prefix that holds an address.
    case address(IPAddress)
    /// A prefix and what is inside it.
    case longer(IPPrefix)
  }

  enum Filter: Sendable {
    /// Paths whose AS_PATH has a pattern.
    case pattern(PathExpression)
    /// Paths with a community, any for nil; exactly: and no other.
    case community(Community?, isExact: Bool)
    /// Prefixes of other lengths than their classes had.
    case cidrOnly
    case asPathList(ASPathList)
    case prefixList(PrefixList)
    case routeMap(String)
    /// Paths that a neighbour gave.
    case peer(IPAddress)
  }

  /// What a question cannot be.
  struct Mistake: Error, Equatable { var text: String }

  /// Nil: both.
  var family: AddressFamily?
  var scope = Scope.everything
  var filter: Filter?

  /// Reads what follows `show [ip] bgp [ipv4|ipv6 [unicast]]`, words written out.
  init(_ words: [String], _ policy: RoutingPolicy = RoutingPolicy()) throws(Mistake) {
    if words.contains("ip") || words.contains("ipv4") { family = .ipv4 }
    if words.contains("ipv6") { family = .ipv6 }
    let rest = Array(
      words.drop { ["show", "ip", "bgp", "ipv4", "ipv6", "unicast"].contains($0) })
    if try readFilter(rest, policy) { return }
    if let prefix = rest.lazy.compactMap({ IPPrefix($0) }).first {
      scope = rest.contains("longer-prefixes") ? .longer(prefix) : .prefix(prefix)
      family = AddressFamily(of: prefix)
    } else if let address = rest.lazy.compactMap({ IPAddress($0) }).first {
      if rest.first == "neighbors" {
        filter = .peer(address)
      } else {
        scope = .address(address)
        family = AddressFamily(of: address)
      }
    }
  }

  private mutating func readFilter(
    _ words: [String], _ policy: RoutingPolicy
  ) throws(Mistake) -> Bool {
    let argument = words.count > 1 && words[1] != "json" ? words[1] : nil
    switch words.first {
    case "regexp":
      do throws(PathExpression.Mistake) {
        filter = .pattern(try PathExpression(words[1...].joined(separator: " ")))
      } catch { throw Mistake(text: "% expected \(error)\n") }
    case "community":
      let community = argument.flatMap { Community(text: $0) }
      if argument != nil, community == nil {
        throw Mistake(text: "% expected a community, as 65000:1 or no-export\n")
      }
      filter = .community(community, isExact: words.contains("exact-match"))
    case "cidr-only": filter = .cidrOnly
    case "filter-list":
      guard let list = argument.flatMap({ policy.asPathLists[$0] }) else {
        throw Self.unknown(argument, "AS-path access-list")
      }
      filter = .asPathList(list)
    case "prefix-list":
      guard let list = argument.flatMap({ policy.prefixLists(family ?? .ipv4)[$0] }) else {
        throw Self.unknown(argument, "prefix-list")
      }
      filter = .prefixList(list)
    case "route-map":
      guard let name = argument, policy.routeMaps[name] != nil else {
        throw Self.unknown(argument, "route-map")
      }
      filter = .routeMap(name)
    default: return false
    }
    return true
  }

  private static func unknown(_ name: String?, _ kind: String) -> Mistake {
    Mistake(text: "% \(name ?? "") is not a valid \(kind) name\n")
  }

  var families: [AddressFamily] { family.map { [$0] } ?? AddressFamily.allCases }

  func accepts(_ path: RouteStatus, _ policy: RoutingPolicy) -> Bool {
    switch filter {
    case nil: true
    case .pattern(let expression): expression.matches(path.attributes.asPath.description)
    case .community(nil, _): !path.attributes.communities.isEmpty
    case .community(let community?, let isExact):
      isExact
        ? path.attributes.communities == [community]
        : path.attributes.communities.contains(community)
    case .cidrOnly: !path.prefix.isClassful
    case .asPathList(let list): list.permits(path.attributes.asPath)
    case .prefixList(let list): list.permits(path.prefix)
    case .routeMap(let name):
      policy.apply(routeMap: name, to: path.prefix, path.attributes) != nil
    case .peer(let address): path.origin == .peer(address)
    }
  }
}

extension IPPrefix {
  /// Of the length that its class had: /8, /16 or /24.
  fileprivate var isClassful: Bool {
    guard let value = address.v4?.rawValue else { return false }
    switch value >> 28 {
    case 0..<8: return length == 8
    case 8..<12: return length == 16
    case 12..<14: return length == 24
    default: return false
    }
  }
}
