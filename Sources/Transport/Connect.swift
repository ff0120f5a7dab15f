import Glibc
import Linux
import NetTypes

/// Connects to `address`. A name's addresses are tried in turn.
/// - Throws: `timedOut`, `unresolved`, or the `SystemError` of the last attempt.
@Loop package func connectSocket(
  to address: StreamAddress, timeout: Duration, socket make: SocketFactory = makeSocket
) async throws -> Descriptor {
  switch address {
  case .address(let address):
    let raw = RawSocketAddress(address)
    let family = address.address.isIPv4 ? AF_INET : AF_INET6
    return try await connect(raw, family: family, name: "\(address)", timeout, make)
  case .unix(let path):
    let raw = try RawSocketAddress(unixPath: path)
    return try await connect(raw, family: AF_UNIX, name: path, timeout, make)
  case .host(let host, let port):
    var failure: any Error = TransportError.unresolved(host: host, reason: "no address")
    for address in try await resolve(host) {
      do {
        return try await connectSocket(
          to: .address(SocketAddress(address, port: port)), timeout: timeout, socket: make)
      } catch let error as CancellationError {
        throw error
      } catch {
        failure = error
      }
    }
    throw failure
  }
}

/// As `connectSocket`, as a stream without encryption.
@Loop package func connectStream(
  to address: StreamAddress, timeout: Duration, socket make: SocketFactory = makeSocket
) async throws -> SocketStream {
  try SocketStream(try await connectSocket(to: address, timeout: timeout, socket: make))
}

@Loop private func connect(
  _ address: RawSocketAddress, family: Int32, name: String, _ timeout: Duration,
  _ make: SocketFactory
) async throws -> Descriptor {
  var address = address
  let descriptor = try make(family, streamType)
  if family != AF_UNIX {
    disableNagle(descriptor.rawValue)
    enableKeepAlive(descriptor.rawValue)
  }
  let result = address.withPointer { Glibc.connect(descriptor.rawValue, $0, $1) }
  if result == 0 { return descriptor }
  guard errno == EINPROGRESS || errno == EINTR else { throw SystemError("connect", name) }
  let waiter = Waiter()
  let registration = try Loop.watch(descriptor.rawValue) { ready in
    // A socket that has not begun to connect reports a hang-up as well; only the outcome counts.
    if !ready.isDisjoint(with: [.writable, .error, .hangUp]) { waiter.resume() }
  }
  let timer = Loop.after(timeout) {
    waiter.resume(throwing: TransportError.timedOut("connecting to \(name)"))
  }
  defer {
    timer.cancel()
    registration.cancel()
  }
  try await waiter.wait()
  let code = pendingError(of: descriptor.rawValue)
  guard code == 0 else { throw SystemError("connect", name, code: code) }
  return descriptor
}

/// The addresses of a name, by the system's resolver, on a thread of its own: it blocks.
@Loop package func resolve(_ host: String) async throws -> [IPAddress] {
  if let address = IPAddress(host) { return [address] }
  let (addresses, code) = await withCheckedContinuation { continuation in
    Thread.spawn(name: "atoll-resolve") { continuation.resume(returning: lookUp(host)) }
  }
  guard code == 0, !addresses.isEmpty else {
    throw TransportError.unresolved(
      host: host, reason: code == 0 ? "no address" : String(cString: gai_strerror(code)))
  }
  return addresses
}

private func lookUp(_ host: String) -> ([IPAddress], Int32) {
  var hints = addrinfo()
  hints.ai_family = AF_UNSPEC
  hints.ai_socktype = streamType
  var list: UnsafeMutablePointer<addrinfo>?
  let code = getaddrinfo(host, nil, &hints, &list)
  guard code == 0 else { return ([], code) }
  defer { freeaddrinfo(list) }
  var addresses: [IPAddress] = []
  var item = list
  while let entry = item {
    var raw = RawSocketAddress()
    let count = min(Int(entry.pointee.ai_addrlen), MemoryLayout.size(ofValue: raw.storage))
    if let source = entry.pointee.ai_addr {
      withUnsafeMutableBytes(of: &raw.storage) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: count))
      }
      if let address = raw.socketAddress?.address, !addresses.contains(address) {
        addresses.append(address)
      }
    }
    item = entry.pointee.ai_next
  }
  return (addresses, 0)
}
