import Delivery
import Glibc
import HTTP
import Linux
import NetTypes

/// One probe of one member: connect, and for HTTP a request and its status; or an ICMP echo.
/// Calls back once with the failure, or nil.
@Loop final class Probe {
  private let address: SocketAddress
  private let monitor: Monitor
  private var completion: (@Loop (String?) -> Void)?
  private var descriptor: Int32 = -1
  private var watch: Registration?
  private var timer: Timer?
  private var connected = false
  private var decoder = HTTPDecoder(role: .client)
  private let identifier = UInt16.random(in: .min ... .max)

  init(
    _ address: SocketAddress, _ monitor: Monitor, completion: @escaping @Loop (String?) -> Void
  ) {
    self.address = address
    self.monitor = monitor
    self.completion = completion
  }

  func start() {
    timer = Loop.after(monitor.timeout) { [weak self] in
      guard let self else { return }
      self.finish("no answer within \(self.monitor.timeout)")
    }
    if monitor.kind == .icmp { startEcho() } else { startConnect() }
  }

  /// Ends without a call.
  func cancel() {
    completion = nil
    close()
  }

  private func close() {
    timer?.cancel()
    watch?.cancel()
    watch = nil
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  private func finish(_ failure: String?) {
    guard let completion else { return }
    self.completion = nil
    close()
    completion(failure)
  }

  private func finish(_ call: String, _ code: Int32) {
    finish("\(call): \(String(cString: strerror(code)))")
  }

  // MARK: TCP and HTTP

  private func startConnect() {
    let raw = RawAddress(address)
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    descriptor = socket(raw.family, type, 0)
    guard descriptor >= 0 else { return finish("socket", errno) }
    let code = raw.withPointer { connect(descriptor, $0, $1) }
    if code != 0, errno != EINPROGRESS { return finish("connect", errno) }
    do throws(SystemError) {
      watch = try Loop.watch(descriptor) { [weak self] _ in self?.connectEvent() }
    } catch {
      finish(error.description)
    }
  }

  private func connectEvent() {
    guard completion != nil else { return }
    if !connected {
      let code = socketError(descriptor)
      guard code == 0 else { return finish("connect", code) }
      connected = true
      guard monitor.kind == .http else {
        // Without data on its way a reset spares both ends the closing states.
        resetOnClose(descriptor)
        return finish(nil)
      }
      let head = HTTPRequestHead(
        method: "GET", target: monitor.path,
        headers: [
          "Host": address.description, "User-Agent": "atoll-monitor", "Connection": "close",
        ])
      let bytes = head.serialized()
      guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
        return finish("send", errno)
      }
      decoder.expectResponse(to: "GET")
    }
    readResponse()
  }

  private func readResponse() {
    var bytes = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(descriptor, &bytes, bytes.count, 0)
      if count < 0 {
        if errno == EINTR { continue }
        if errno != EAGAIN { finish("recv", errno) }
        return
      }
      if count == 0 { return finish("closed without an answer") }
      decoder.append(bytes[..<count])
      do throws(HTTPError) {
        while let event = try decoder.next() {
          guard case .response(let head) = event, head.status >= 200 else { continue }
          let expected = monitor.expectedStatus
          return finish(
            expected.contains(head.status)
              ? nil
              : "status \(head.status), expected \(expected.lowerBound) to \(expected.upperBound)")
        }
      } catch {
        return finish("\(error)")
      }
    }
  }

  // MARK: ICMP

  /// RFC 792 and RFC 4443 echo; needs CAP_NET_RAW, as the edge has.
  private func startEcho() {
    let isIPv4 = address.address.isIPv4
    let raw = RawAddress(SocketAddress(address.address, port: 0))
    let type = Int32(SOCK_RAW.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    descriptor = socket(
      raw.family, type, isIPv4 ? Int32(IPPROTO_ICMP) : Int32(IPPROTO_ICMPV6))
    guard descriptor >= 0 else { return finish("socket", errno) }
    guard raw.withPointer({ connect(descriptor, $0, $1) }) == 0 else {
      return finish("connect", errno)
    }
    do throws(SystemError) {
      watch = try Loop.watch(descriptor) { [weak self] _ in self?.echoEvent() }
    } catch {
      return finish(error.description)
    }
    var packet: [UInt8] = [isIPv4 ? 8 : 128, 0, 0, 0]
    packet += [UInt8(identifier >> 8), UInt8(identifier & 0xff), 0, 1]
    packet += Array("atoll-monitor...".utf8)
    // The kernel fills in the checksum of ICMPv6 only.
    if isIPv4 {
      var sum: UInt32 = 0
      for index in stride(from: 0, to: packet.count, by: 2) {
        sum += UInt32(packet[index]) << 8 | UInt32(packet[index + 1])
      }
      while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
      packet[2] = UInt8(~sum >> 8 & 0xff)
      packet[3] = UInt8(~sum & 0xff)
    }
    guard send(descriptor, packet, packet.count, Int32(MSG_NOSIGNAL)) == packet.count else {
      return finish("send", errno)
    }
  }

  private func echoEvent() {
    guard completion != nil else { return }
    let isIPv4 = address.address.isIPv4
    var bytes = [UInt8](repeating: 0, count: 1500)
    while true {
      let count = recv(descriptor, &bytes, bytes.count, 0)
      if count < 0 {
        if errno == EINTR { continue }
        if errno != EAGAIN { finish("recv", errno) }
        return
      }
      // IPv4 raw sockets deliver the IP header too.
      let start = isIPv4 ? Int(bytes[0] & 15) * 4 : 0
      guard count >= start + 8, bytes[start] == (isIPv4 ? 0 : 129),
        bytes[start + 4] == UInt8(identifier >> 8), bytes[start + 5] == UInt8(identifier & 0xff)
      else { continue }
      return finish(nil)
    }
  }
}
