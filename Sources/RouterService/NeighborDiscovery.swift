import CLinux
import Glibc
import Linux
import NetTypes

/// Finds the routers on one link by their advertisements, and makes this one found: what
/// `neighbor eth0 interface` needs to know its peer's address. RFC 4861 §6.2, §6.3.
///
/// Advertisements go out at once, every ten seconds, and in answer to a solicitation. They say a
/// lifetime of zero: this router is a peer, and nobody's default.
@Loop final class NeighborDiscovery {
  static let interval = Duration.seconds(10)
  /// The first few follow each other more closely. RFC 4861 §10, MAX_INITIAL_RTR_ADVERTISEMENTS.
  private static let initialInterval = Duration.seconds(1)
  private static let initialCount = 3
  /// An answer to a solicitation comes no sooner than this after the last advertisement.
  private static let quiet = Duration.milliseconds(500)
  private static let allNodes = IPv6Address(high: 0xff02 << 48, low: 1)
  private static let allRouters = IPv6Address(high: 0xff02 << 48, low: 2)

  let interface: String
  let index: UInt32
  private let descriptor: Descriptor
  private var registration: Registration?
  private var timer: Timer?
  private var sent = 0
  private var lastSent: Instant?

  /// Opens the socket in the calling thread's namespace.
  /// - Throws: `SystemError` if there is no such interface, or raw sockets are not to be had.
  init(interface: String) throws(SystemError) {
    self.interface = interface
    index = if_nametoindex(interface)
    guard index > 0 else { throw SystemError("router discovery", interface, code: ENODEV) }
    let index = index
    descriptor = Descriptor(
      try system("router discovery", interface) { atoll_open_router_discovery(Int32(index)) })
  }

  /// Calls `heard` with the link-local address of each router that advertises itself, every time.
  func start(_ heard: @escaping @Loop (IPv6Address) -> Void) throws(SystemError) {
    registration = try Loop.watch(descriptor.rawValue) { [weak self] _ in self?.receive(heard) }
    send(RouterDiscoveryMessage.encodedSolicitation, to: Self.allRouters)
    advertise()
  }

  func stop() {
    registration?.cancel()
    registration = nil
    timer?.cancel()
  }

  private func advertise() {
    // While the link is down or its address not yet proven unique, nothing can be sent.
    if send(RouterAdvertisement().encoded, to: Self.allNodes) {
      lastSent = Loop.now
      sent += 1
    }
    schedule(after: sent < Self.initialCount ? Self.initialInterval : Self.interval)
  }

  private func schedule(after delay: Duration) {
    timer?.cancel()
    timer = Loop.after(delay) { [weak self] in self?.advertise() }
  }

  @discardableResult
  private func send(_ message: [UInt8], to destination: IPv6Address) -> Bool {
    atoll_send_router_discovery(
      descriptor.rawValue, message, message.count, destination.octets, Int32(index)) >= 0
  }

  private func receive(_ heard: @Loop (IPv6Address) -> Void) {
    var buffer = [UInt8](repeating: 0, count: 1500)
    var octets = [UInt8](repeating: 0, count: 16)
    while registration != nil {
      var hopLimit: Int32 = 0
      let count = atoll_receive_router_discovery(
        descriptor.rawValue, &buffer, buffer.count, &octets, &hopLimit)
      if count < 0 {
        if errno == EINTR { continue }
        return
      }
      guard let sender = IPv6Address(octets: octets) else { continue }
      let message = RouterDiscoveryMessage(
        decoding: buffer[..<count], sender: sender, hopLimit: Int(hopLimit))
      switch message {
      case .advertisement: heard(sender)
      case .solicitation:
        let due = (lastSent ?? .zero).advanced(by: Self.quiet)
        if due <= Loop.now { advertise() } else { schedule(after: Loop.now.duration(to: due)) }
      case nil: break
      }
    }
  }
}
