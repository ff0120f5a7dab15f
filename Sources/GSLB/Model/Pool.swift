import DNS
import NetTypes

/// Members of one type of record that serve the same application.
///
/// `preferred` chooses among members that are available; `alternate` where `preferred` cannot, as
/// topology without a record for the client; `fallback` where both cannot, and when no member of
/// any pool is available: then among all that are enabled.
package struct Pool: Equatable, Sendable {
  package var name: String
  package var type: SteeredType
  package var preferred: LoadBalancing
  package var alternate = LoadBalancing.roundRobin
  package var fallback = LoadBalancing.none
  /// Of `fallback-ip`.
  package var fallbackIP: IPAddress?
  package var members: [PoolMember]
  /// Seconds.
  package var ttl: UInt32 = 30
  /// Records of one answer, 1...64.
  package var maxAnswers = 1
  /// What has been down stays out until an operator resumes it.
  package var manualResume = false
  /// How long a member that returns takes to get its whole share; zero: at once.
  package var rampedReturn = Duration.zero
  package var isEnabled = true

  package init(
    name: String, type: SteeredType = .a, preferred: LoadBalancing = .roundRobin,
    members: [PoolMember] = []
  ) {
    self.name = name
    self.type = type
    self.preferred = preferred
    self.members = members
  }
}

/// One record of a pool, and the virtual server whose health is the record's.
package struct PoolMember: Equatable, Sendable {
  /// Nil: never probed, always available. Of A and AAAA, the address too.
  package var virtualServer: VirtualServerName?
  /// Of CNAME, SRV and HTTPS.
  package var target: DomainName?
  /// 1...65535.
  package var ratio = 1
  package var isEnabled = true
  /// Of SRV and HTTPS. RFC 2782, RFC 9460 §2.4.1.
  package var priority: UInt16 = 1
  /// Of SRV.
  package var weight: UInt16 = 1
  /// Of SRV; nil: the virtual server's.
  package var port: UInt16?
  /// Of HTTPS, in presentation form, as `alpn=h2 port=8443`. RFC 9460 §2.1.
  package var parameters = ""

  package init(_ virtualServer: VirtualServerName? = nil, target: DomainName? = nil) {
    self.virtualServer = virtualServer
    self.target = target
  }
}
