import BGP
import NetTypes

/// Which paths of the table an operator asks for.
struct ShellQuery: Sendable {
  enum Scope: Sendable {
    case everything
    /// One prefix.
    case prefix(IPPrefix)
    /// The longest prefix that holds an address.
    case address(IPAddress)
    /// A prefix and what is inside it.
    case longer(IPPrefix)
    /// Paths whose AS_PATH has a pattern.
    case pattern(PathExpression)
    /// Paths with a community.
    case community(Community)
  }

  /// What a question cannot be.
  struct Mistake: Error { var expected: String }

  /// Nil: both.
  var family: AddressFamily?
  var scope = Scope.everything

  /// Reads what follows `show [ip] bgp [ipv4|ipv6 [unicast]]`, words written out.
  init(_ words: [String]) throws(Mistake) {
    if words.contains("ip") || words.contains("ipv4") { family = .ipv4 }
    if words.contains("ipv6") { family = .ipv6 }
    if let place = words.firstIndex(of: "regexp") {
      do throws(PathExpression.Mistake) {
        scope = .pattern(try PathExpression(words[(place + 1)...].joined(separator: " ")))
      } catch { throw Mistake(expected: "\(error)") }
    } else if let place = words.firstIndex(of: "community"), place + 1 < words.count {
      guard let community = Community(text: words[place + 1]) else {
        throw Mistake(expected: "a community, as 65000:1 or no-export")
      }
      scope = .community(community)
    } else if let prefix = words.lazy.compactMap({ IPPrefix($0) }).first {
      scope = words.contains("longer-prefixes") ? .longer(prefix) : .prefix(prefix)
      family = AddressFamily(of: prefix)
    } else if let address = words.lazy.compactMap({ IPAddress($0) }).first {
      scope = .address(address)
      family = AddressFamily(of: address)
    }
  }

  /// One prefix, of which more is told than a line.
  var isDetailed: Bool {
    switch scope {
    case .prefix, .address: true
    case .everything, .longer, .pattern, .community: false
    }
  }

  /// The paths asked for, in the table's order.
  func select(_ routes: [RouterStatus.RouteEntry]) -> [RouterStatus.RouteEntry] {
    let wanted: IPPrefix?
    switch scope {
    case .prefix(let prefix): wanted = prefix
    case .address(let address):
      wanted = routes.lazy.map(\.path.prefix).filter { $0.contains(address) }
        .max { $0.length < $1.length }
      if wanted == nil { return [] }
    default: wanted = nil
    }
    return routes.filter { entry in
      let path = entry.path
      if let family, AddressFamily(of: path.prefix) != family { return false }
      return switch scope {
      case .everything: true
      case .prefix, .address: path.prefix == wanted
      case .longer(let prefix): prefix.contains(path.prefix)
      case .pattern(let expression): expression.matches(path.attributes.asPath.description)
      case .community(let community): path.attributes.communities.contains(community)
      }
    }
  }
}
