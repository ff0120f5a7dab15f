import BGP
import NetTypes
import Testing

/// RFC 4271 §6.7, RFC 4486 §4.
@Suite struct PrefixLimitTests {
  private func puppet(_ change: (inout MaximumPrefixes) -> Void = { _ in }) -> Puppet {
    var puppet = Puppet {
      var maximum = MaximumPrefixes(4)
      change(&maximum)
      $0.neighbors[0].settings.maximumPrefixes = maximum
    }
    puppet.establish()
    return puppet
  }

  @Test func `three quarters are worth one warning, and again after they were not`() {
    var puppet = puppet()
    puppet.announce("10.1.0.0/16", "10.2.0.0/16")
    #expect(puppet.notices.isEmpty)
    puppet.announce("10.3.0.0/16")
    puppet.announce("10.4.0.0/16")
    #expect(puppet.notices == ["3 ipv4 prefixes received, limit 4"])
    puppet.send(.update(UpdateMessage(withdrawn: [prefix("10.3.0.0/16"), prefix("10.4.0.0/16")])))
    puppet.announce("10.1.0.0/16")
    puppet.announce("10.3.0.0/16")
    #expect(puppet.notices.count == 2)
    #expect(puppet.state == .established)
  }

  @Test func `beyond the limit the session is down until an operator clears it`() {
    var puppet = puppet()
    puppet.announce("10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16")
    // AFI 1, SAFI 1, limit 4. RFC 4486 §4.
    #expect(puppet.notification == NotificationMessage(.cease, 1, data: octets("0001 01 00000004")))
    #expect(puppet.isClosed)
    #expect(puppet.kernel.isEmpty)
    #expect(puppet.notices.last == "5 ipv4 prefixes received, limit 4: session down until cleared")
    #expect(puppet.speaker.sessions[0].prefixLimitHold?.limit == 4)
    puppet.wait(.seconds(3600))
    puppet.establish()
    #expect(puppet.isClosed)
    #expect(puppet.state == .idle)
    puppet.handle(.reset(Puppet.peer))
    #expect(puppet.speaker.sessions[0].prefixLimitHold == nil)
    puppet.establish()
    #expect(puppet.state == .established)
  }

  @Test func `with a restart time the session comes back by itself`() {
    var puppet = puppet { $0.restart = .seconds(60) }
    puppet.announce("10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16")
    let until = Instant.zero.advanced(by: .seconds(60))
    #expect(puppet.speaker.sessions[0].prefixLimitHold?.until == until)
    puppet.wait(.seconds(59))
    #expect(puppet.state == .idle)
    puppet.wait(.seconds(2))
    puppet.establish()
    #expect(puppet.state == .established)
    #expect(puppet.speaker.sessions[0].prefixLimitHold == nil)
  }

  @Test func `a limit that only warns says so once`() {
    var puppet = puppet { $0.warnsOnly = true }
    puppet.announce("10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16")
    puppet.announce("10.6.0.0/16")
    #expect(puppet.state == .established)
    #expect(puppet.notices == ["5 ipv4 prefixes received, limit 4"])
    #expect(puppet.kernel.count == 6)
  }

  @Test func `families are counted apart`() {
    var puppet = Puppet {
      $0.neighbors[0].settings.maximumPrefixes = MaximumPrefixes(2)
      $0.neighbors[0].settings.activations = [.ipv6: true]
    }
    puppet.establish { $0.families = [.ipv4, .ipv6] }
    puppet.announce("10.1.0.0/16", "10.2.0.0/16")
    let attributes = PathAttributes(nextHop: address("2001:db8::2"), localPreference: 100)
    puppet.send(
      .update(
        UpdateMessage(
          attributes: attributes,
          announced: [prefix("2001:db8:1::/48"), prefix("2001:db8:2::/48")])))
    #expect(puppet.state == .established)
    #expect(puppet.speaker.sessions[0].familyPrefixes == [.ipv4: 2, .ipv6: 2])
  }

  @Test func `a peer that keeps routes after NOTIFICATIONs gets a Hard Reset`() {
    var puppet = Puppet { $0.neighbors[0].settings.maximumPrefixes = MaximumPrefixes(1) }
    puppet.establish { $0.gracefulRestart = restartCapability() }
    puppet.announce("10.1.0.0/16", "10.2.0.0/16")
    #expect(puppet.notification?.wrapped?.subcode == 1)
    #expect(puppet.kernel.isEmpty)
  }
}
