import NetTypes

// Route leaks, prevented and found by roles. RFC 9234 §5. What a provider, a peer or a route server
// gave may go to customers alone; OTC says so, with the AS that first said it.
//
//   in   1  from a customer or a client, with OTC            a leak: not taken
//        2  from a peer, with OTC of another AS              a leak: not taken
//        3  from a provider, a peer or a server, without     OTC of the neighbour's AS is put on
//   out  1  to a customer, a peer or a client, without       OTC of our AS is put on
//        2  to a provider, a peer or a server, with OTC      not announced
//
// The role that counts is ours, whether or not the peer has said its own. Deviation: a leak is
// dropped as if by a filter, where §5 keeps it as ineligible.

enum OnlyToCustomer {
  static func admitted(_ attributes: PathAttributes, from peer: Peer) -> PathAttributes? {
    guard peer.settings.role != nil, let negotiated = peer.negotiated,
      !negotiated.options.isInternal
    else { return attributes }
    return admitted(attributes, role: peer.settings.role, peerAS: negotiated.peer.asNumber)
  }

  /// - Parameter role: ours towards the neighbour; nil inside an AS and where none is configured.
  static func admitted(
    _ attributes: PathAttributes, role: PeerRole?, peerAS: ASNumber
  ) -> PathAttributes? {
    guard let role else { return attributes }
    let mark = attributes.onlyToCustomer
    switch role.counterpart {
    case .customer, .routeServerClient:
      return mark == nil ? attributes : nil
    case .peer:
      if let mark, mark != peerAS { return nil }
      return mark == nil ? attributes.marked(peerAS) : attributes
    case .provider, .routeServer:
      return mark == nil ? attributes.marked(peerAS) : attributes
    }
  }

  static func announced(
    _ attributes: PathAttributes, role: PeerRole?, localAS: ASNumber
  ) -> PathAttributes? {
    guard let role else { return attributes }
    let mark = attributes.onlyToCustomer
    switch role.counterpart {
    case .customer, .routeServerClient:
      return mark == nil ? attributes.marked(localAS) : attributes
    case .peer:
      return mark == nil ? attributes.marked(localAS) : nil
    case .provider, .routeServer:
      return mark == nil ? attributes : nil
    }
  }
}

extension PathAttributes {
  fileprivate func marked(_ number: ASNumber) -> PathAttributes {
    var attributes = self
    attributes.extend { $0.onlyToCustomer = number }
    return attributes
  }
}
