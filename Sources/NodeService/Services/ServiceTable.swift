import Kubernetes
import NetTypes

/// What a node forwards for Services: worked out from Service and EndpointSlice objects.
package struct ServiceTable: Hashable, Sendable {
  package enum TransportProtocol: String, Hashable, Comparable, Sendable {
    case tcp, udp

    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  /// One port of one Service.
  package struct Entry: Hashable, Sendable {
    /// `namespace/service:port`.
    package var name: String
    package var transport: TransportProtocol
    package var clusterAddresses: [IPAddress]
    package var port: UInt16
    package var nodePort: UInt16?
    /// The same client keeps its endpoint as long as the endpoints stay (`sessionAffinity: ClientIP`).
    package var isSticky: Bool
    /// From outside, only endpoints of this node, and the client's address is kept.
    package var isExternalLocal: Bool
    /// Ready endpoints, in order.
    package var endpoints: [SocketAddress]
    /// Those on this node.
    package var localEndpoints: [SocketAddress]
  }

  package private(set) var entries: [Entry] = []

  package init() {}

  package init(services: [JSON], slices: [JSON], nodeName: String) {
    var slicesByService: [ResourceName: [JSON]] = [:]
    for slice in slices {
      guard let service = slice.at("metadata.labels")["kubernetes.io/service-name"].string else {
        continue
      }
      let name = ResourceName(
        namespace: slice.at("metadata.namespace").string ?? "", name: service)
      slicesByService[name, default: []].append(slice)
    }
    for service in services {
      let name = ResourceName(
        namespace: service.at("metadata.namespace").string ?? "",
        name: service.at("metadata.name").string ?? "")
      entries += Self.entries(of: service, name, slicesByService[name] ?? [], nodeName)
    }
    entries.sort { ($0.name, $0.transport) < ($1.name, $1.transport) }
  }

  private static func entries(
    of service: JSON, _ name: ResourceName, _ slices: [JSON], _ nodeName: String
  ) -> [Entry] {
    let spec = service["spec"]
    guard spec["type"].string != "ExternalName" else { return [] }
    var texts = spec["clusterIPs"].elements.compactMap(\.string)
    if texts.isEmpty, let text = spec["clusterIP"].string { texts = [text] }
    // "None" is no address: a headless Service has nothing to forward.
    let addresses = texts.compactMap { IPAddress($0) }
    guard !addresses.isEmpty else { return [] }
    return spec["ports"].elements.compactMap { port in
      guard let number = port["port"].int.flatMap({ UInt16(exactly: $0) }),
        let transport = TransportProtocol(
          rawValue: (port["protocol"].string ?? "TCP").lowercased())
      else { return nil }
      let portName = port["name"].string ?? ""
      let (all, local) = endpoints(slices, portName: portName, transport, nodeName)
      return Entry(
        name: portName.isEmpty ? "\(name)" : "\(name):\(portName)", transport: transport,
        clusterAddresses: addresses, port: number,
        nodePort: port["nodePort"].int.flatMap { UInt16(exactly: $0) }.flatMap {
          $0 > 0 ? $0 : nil
        },
        isSticky: spec["sessionAffinity"].string == "ClientIP",
        isExternalLocal: spec["externalTrafficPolicy"].string == "Local", endpoints: all,
        localEndpoints: local)
    }
  }

  /// Ready endpoints; where none is, those that still serve while they terminate.
  private static func endpoints(
    _ slices: [JSON], portName: String, _ transport: TransportProtocol, _ nodeName: String
  ) -> (all: [SocketAddress], local: [SocketAddress]) {
    var ready: [SocketAddress: Bool] = [:]
    var draining: [SocketAddress: Bool] = [:]
    for slice in slices {
      let port = slice["ports"].elements.first {
        ($0["name"].string ?? "") == portName
          && ($0["protocol"].string ?? "TCP").lowercased() == transport.rawValue
      }
      guard let number = port?["port"].int.flatMap({ UInt16(exactly: $0) }) else { continue }
      for endpoint in slice["endpoints"].elements {
        let conditions = endpoint["conditions"]
        let isLocal = endpoint["nodeName"].string == nodeName
        for text in endpoint["addresses"].elements.compactMap(\.string) {
          guard let address = IPAddress(text) else { continue }
          let target = SocketAddress(address, port: number)
          if conditions["ready"].bool ?? true {
            ready[target] = isLocal
          } else if conditions["serving"].bool ?? false,
            conditions["terminating"].bool ?? false
          {
            draining[target] = isLocal
          }
        }
      }
    }
    let chosen = ready.isEmpty ? draining : ready
    return (chosen.keys.sorted(), chosen.filter(\.value).keys.sorted())
  }
}
