import CLinux
import Glibc

/// Whole frames of one interface, packet(7).
package enum PacketSocket {
  /// A socket that does not block: each frame with a virtio_net_hdr in front, and none of those that
  /// leave by it.
  package static func open(on interface: String) throws(SystemError) -> Int32 {
    let index = if_nametoindex(interface)
    guard index > 0 else { throw SystemError("find interface", interface) }
    return try system("packet socket", interface) { atoll_open_packets(Int32(index)) }
  }
}
