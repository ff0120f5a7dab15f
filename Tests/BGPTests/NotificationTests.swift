import BGP
import Testing

/// Words and wrappings of NOTIFICATION: RFC 9003, RFC 8538.
@Suite struct NotificationTests {
  static let shutdown = NotificationMessage.administrativeShutdown

  @Test func `RFC 9003 §2: a text goes behind its length and comes back`() {
    let message = Self.shutdown.saying("Neuer Kern für Knoten 7")
    // From the RFC's figure: length, then UTF-8.
    #expect(
      Message.notification(Self.shutdown.saying("hi")).encoded(options: CodecOptions())
        == frame(3, octets("06 02 02 6869")))
    #expect(message.communication == "Neuer Kern für Knoten 7")
    #expect(
      "\(message)" == "cease, administrative shutdown (6/2): \"Neuer Kern für Knoten 7\"")
  }

  @Test func `a text that is too long ends with a whole character`() {
    let message = Self.shutdown.saying(String(repeating: "ü", count: 200))
    #expect(message.data.first == 254)
    #expect(message.communication == String(repeating: "ü", count: 127))
  }

  @Test(arguments: [
    ("00", nil), ("", nil), ("05 6869", nil), ("02 c328", "\u{fffd}("), ("02 1b5b", "?["),
    ("02 6869 00", "hi"),
  ])
  func `a text that lies about itself does no harm`(_ hex: String, _ text: String?) {
    #expect(NotificationMessage(.cease, 2, data: octets(hex)).communication == text)
    #expect(NotificationMessage(.cease, 4, data: octets(hex)).communication == text)
    #expect(NotificationMessage(.cease, 3, data: octets(hex)).communication == nil)
  }

  @Test func `RFC 8538 §3: Hard Reset wraps code, subcode and data`() {
    let hard = Self.shutdown.saying("hi").asHardReset
    #expect(
      Message.notification(hard).encoded(options: CodecOptions())
        == frame(3, octets("06 09 06 02 02 6869")))
    #expect(hard.wrapped == Self.shutdown.saying("hi"))
    #expect(hard.communication == "hi")
    #expect("\(hard)" == "hard reset (6/9), cease, administrative shutdown (6/2): \"hi\"")
    #expect(hard.asHardReset == hard)
  }

  @Test(arguments: ["", "06", "0609", "0609 0609", "0609 06"])
  func `a Hard Reset of nothing, or of itself, is printed`(_ hex: String) {
    let notification = NotificationMessage(.cease, 9, data: octets(hex))
    #expect("\(notification)".contains("hard reset"))
  }

  @Test(arguments: [
    (NotificationMessage.outOfResources, "cease, out of resources (6/8)"),
    (.bfdDown, "cease, BFD down (6/10)"), (.roleMismatch, "OPEN error, role mismatch (2/11)"),
    (NotificationMessage(code: 99, subcode: 1), "notification (99/1)"),
  ])
  func `a code has a name`(_ notification: NotificationMessage, _ text: String) {
    #expect("\(notification)" == text)
  }

  @Test func `RFC 9003: a neighbour is told why it was shut down, and we hear the same`() {
    var puppet = Puppet()
    puppet.establish()
    var configuration = puppet.speaker.configuration
    configuration.neighbors[0].settings.shutdown = true
    configuration.neighbors[0].settings.shutdownMessage = "new kernel"
    puppet.handle(.configure(configuration, RoutingPolicy()))
    #expect(puppet.notification == .administrativeShutdown.saying("new kernel"))
    #expect(puppet.notification?.communication == "new kernel")

    puppet = Puppet()
    puppet.establish()
    puppet.send(.notification(.administrativeShutdown.saying("back at noon")))
    #expect(
      puppet.speaker.sessions[0].lastError?.description
        == "received cease, administrative shutdown (6/2): \"back at noon\"")
  }

  @Test func `a neighbour that gives cause for many notices is cut short`() {
    var puppet = Puppet()
    puppet.establish()
    // A malformed ORIGIN, treated as withdrawal. RFC 7606 §7.1.
    let bad = update(
      attributes: "400101 07 400200 400304 0a000002 400504 00000064", routes: "08 0a")
    for _ in 0..<30 { puppet.send(bad) }
    #expect(puppet.notices.count == 10)
    #expect(
      puppet.notices[0] == "10.0.0.0/8: attribute 1: ORIGIN [7]; treated as withdrawal")
    puppet.wait(.seconds(10))
    puppet.send(bad)
    #expect(puppet.notices.count == 11)
    #expect(puppet.notices.last?.hasSuffix("(20 earlier messages withheld)") == true)
  }
}
