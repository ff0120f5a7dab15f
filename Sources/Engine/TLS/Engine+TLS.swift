import Delivery
import NetTypes

/// What a termination follows from; equal ones are the same.
struct TerminationKey: Hashable {
  var server: String
  var settings: ServerTLS
  var alpn: [String]

  init?(_ server: VirtualServer) {
    guard let tls = server.tls else { return nil }
    self.server = server.name
    settings = tls
    switch server.protocol {
    case .https:
      alpn = tls.alpn ?? (server.http2 == false ? ["http/1.1"] : ["h2", "http/1.1"])
    default: alpn = tls.alpn ?? []
    }
  }
}

struct OriginationKey: Hashable {
  var settings: PoolTLS
  var `protocol`: Pool.MemberProtocol

  init?(_ pool: Pool) {
    guard let tls = pool.tls else { return nil }
    settings = tls
    `protocol` = pool.protocol
  }
}

extension Engine {
  /// What keeps a certificate and its key from serving; nil: nothing does.
  package nonisolated static func problem(of certificate: CertificateSource) -> String? {
    TLSTermination.problem(of: certificate)
  }

  /// Makes OpenSSL's contexts of what is new. An object whose certificates or keys cannot be used is
  /// replaced by its last good version.
  func prepareTLS(
    _ configuration: DeliveryConfiguration
  ) -> (DeliveryConfiguration, [Problem]) {
    var prepared = configuration
    var problems: [Problem] = []
    prepared.pools = configuration.pools.compactMap { pool in
      guard pool.validate().isEmpty, let key = OriginationKey(pool), originations[key] == nil
      else { return pool }
      do throws(TLSProblem) {
        originations[key] = try TLSOrigination(key.settings, alpn: key.protocol.rawValue)
        return pool
      } catch {
        problems.append(pool.problem(error))
        return applied.pools.first { $0.name == pool.name }
      }
    }
    prepared.virtualServers = configuration.virtualServers.compactMap { server in
      guard server.validate().isEmpty, let key = TerminationKey(server), terminations[key] == nil
      else { return server }
      do throws(TLSProblem) {
        terminations[key] = try TLSTermination(
          key.settings, alpn: key.alpn, server: server.name,
          tickets: tickets(key.settings.ticketLifetime))
        return server
      } catch {
        problems.append(server.problem(error))
        return applied.virtualServers.first { $0.name == server.name }
      }
    }
    return (prepared, problems)
  }

  private func tickets(_ lifetime: Duration) -> TicketKeys {
    let seconds = lifetime.components.seconds
    if let known = ticketKeys[seconds] { return known }
    let made = TicketKeys(lifetime: seconds)
    ticketKeys[seconds] = made
    return made
  }

  func forgetUnusedTLS() {
    // Those that wait for the kernel go on as they were configured before.
    let configured = applied.virtualServers + servers.values.map(\.configuration)
    let used = Set(configured.compactMap(TerminationKey.init))
    terminations = terminations.filter { used.contains($0.key) }
    let pools = Set(applied.pools.compactMap(OriginationKey.init))
    originations = originations.filter { pools.contains($0.key) }
  }

  /// What is wrong with the certificates and keys of a configuration, without serving it.
  package nonisolated static func tlsProblems(_ configuration: DeliveryConfiguration) -> [Problem] {
    var problems: [Problem] = []
    for pool in configuration.pools where pool.validate().isEmpty {
      guard let key = OriginationKey(pool) else { continue }
      do throws(TLSProblem) {
        _ = try TLSOrigination(key.settings, alpn: key.protocol.rawValue)
      } catch {
        problems.append(pool.problem(error))
      }
    }
    for server in configuration.virtualServers where server.validate().isEmpty {
      guard let key = TerminationKey(server) else { continue }
      do throws(TLSProblem) {
        _ = try TLSTermination(
          key.settings, alpn: key.alpn, server: server.name, tickets: TicketKeys(lifetime: 1))
      } catch {
        problems.append(server.problem(error))
      }
    }
    return problems
  }
}

extension Pool {
  fileprivate func problem(_ error: TLSProblem) -> Problem {
    Problem(
      object: "pool \(name)", field: error.field, found: error.found, expected: error.expected)
  }
}

extension VirtualServer {
  fileprivate func problem(_ error: TLSProblem) -> Problem {
    Problem(
      object: "virtual server \(name)", field: error.field, found: error.found,
      expected: error.expected)
  }
}
