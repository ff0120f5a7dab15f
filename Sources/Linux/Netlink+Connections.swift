import CLinux
import Glibc

/// Tracked connections (ctnetlink), told by their mark: linux/netfilter/nfnetlink_conntrack.h.
extension Netlink {
  private enum Connections {
    static let get: UInt16 = 0x0101
    static let delete: UInt16 = 0x0102
    static let (original, protocolInformation, mark, zone, markMask) = (1, 4, 8, 18, 21)
    static let (tcp, tcpState) = (1, 1)
    /// SYN_SENT to CLOSE_WAIT, enum tcp_conntrack.
    static let alive: ClosedRange<UInt8> = 1...5
  }

  /// A socket for the functions here.
  package static func connections() throws(SystemError) -> Netlink {
    try Netlink(family: 12)  // NETLINK_NETFILTER, which Glibc's module lacks.
  }

  /// TCP connections with one of `marks` that are not yet closing.
  package func countConnections(marks: Set<UInt32>) throws -> Int {
    try markedConnections(marks).count { _, attributes in
      guard let information = attributes[Connections.protocolInformation],
        let tcp = NetlinkAttributes(information)[Connections.tcp],
        let state = NetlinkAttributes(tcp)[Connections.tcpState]?.first
      else { return false }
      return Connections.alive.contains(state)
    }
  }

  /// Forgets connections with one of `marks`: their next packet is as one never seen.
  package func deleteConnections(marks: Set<UInt32>) throws {
    let messages = try markedConnections(marks).compactMap {
      family, attributes -> NetlinkMessage? in
      guard let tuple = attributes[Connections.original] else { return nil }
      var message = Self.connectionMessage(Connections.delete, family: family)
      message.attribute(Connections.original | 0x8000, Array(tuple))
      if let zone = attributes[Connections.zone] {
        message.attribute(Connections.zone, Array(zone))
      }
      return message
    }
    // One that has ended by itself meanwhile is as good.
    for case .some(let (code, detail)) in try batch(messages) where code != ENOENT {
      throw NetlinkError(
        operation: "delete", subject: "tracked connections", code: code, detail: detail)
    }
  }

  private func markedConnections(
    _ marks: Set<UInt32>
  ) throws -> [(family: UInt8, attributes: NetlinkAttributes)] {
    guard !marks.isEmpty else { return [] }
    var message = Self.connectionMessage(Connections.get, family: 0)
    if marks.count == 1, let mark = marks.first {
      // The kernel picks.
      message.attribute(Connections.mark, mark.bigEndian)
      message.attribute(Connections.markMask, UInt32.max)
    }
    return try dump(message, "list connections").compactMap { reply in
      guard reply.payload.count >= 4, let family = reply.payload.first else { return nil }
      let attributes = reply.attributes(after: 4)
      guard let mark = attributes.uint32(Connections.mark), marks.contains(mark.bigEndian) else {
        return nil
      }
      return (family, attributes)
    }
  }

  /// With a struct nfgenmsg; family 0 is any.
  private static func connectionMessage(_ type: UInt16, family: UInt8) -> NetlinkMessage {
    var message = NetlinkMessage(type: type)
    message.append([family, 0, 0, 0])
    return message
  }
}
