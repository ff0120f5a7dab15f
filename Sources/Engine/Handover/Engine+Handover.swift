import CLinux
import Delivery
import Glibc
import Linux
import NetTypes

/// How one process takes over from another:
///
/// 1. the old one passes its listening sockets, and goes on accepting from them;
/// 2. the new one accepts from the same sockets as soon as it serves;
/// 3. the old one is told, stops accepting, and ends what it has.
///
/// Whatever fails before the last step leaves the old one as it was.
extension Engine {
  /// Sockets to listen on instead of opened ones, where they are bound to what is configured; what
  /// the first `apply` has no use for is closed.
  package func inherit(_ listeners: InheritedListeners) { inherited = listeners }

  /// Passes the listening sockets to the process that listens at `path`.
  package func passListeners(to path: String) throws(SystemError) {
    try InheritedListeners.send(
      servers.sorted { $0.key < $1.key }.map { (key: $0.key, descriptors: $0.value.listeners) },
      to: path)
  }

  /// Another process accepts from the same sockets: stop, and let what is here end.
  package func handedOver(_ timeout: Duration) async {
    guard !isStopped else { return }
    for worker in workers { worker.post(.handedOver) }
    await awaitEnd(timeout, forGood: false)
  }

  /// The changes of members, for the process that takes over.
  package var runtimeChanges: [(pool: String, member: SocketAddress, change: RuntimeChange)] {
    runtimeEntries.map { ($0.key.pool, $0.key.address, $0.value.change) }
  }
}

extension Worker {
  /// Stops accepting from sockets that live on in another process.
  func handOver(_ index: Int) {
    guard let server = servers[index], !server.isDraining, server.listener != Connection.none else {
      return
    }
    // A descriptor's close does not end its events while another process has the socket.
    _ = atoll_epoll_ctl(epoll, EPOLL_CTL_DEL, at(server.listener).pointee.descriptor, 0, 0)
    server.isDraining = true
    guard server.configuration.protocol == .udp else {
      if at(server.listener).pointee.has(.paused) { pausedListeners -= 1 }
      closeSlot(server.listener)
      server.listener = Connection.none
      // Clients that rest between two requests leave with the next one, not in the middle of it.
      return endOrDrain(index, grace: .max)
    }
    // Flows answer through it until they end.
    if server.active == 0 { endServer(index) }
  }
}
