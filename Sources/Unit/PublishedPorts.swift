import Intent
import Kubernetes
import Linux
import Logging
import NetTypes

/// A unit's listeners on the host's loopback, as its supervisor keeps them.
///
/// A port that somebody else holds is tried again every second. What became of each is written to
/// `ports.json` of the runtime folder, `{"8080:80@edge": null, "8443:443@edge": "bind: …"}`: null is
/// open, text says why it is not.
@Loop final class PublishedPorts {
  static let retryInterval = Duration.seconds(1)

  private let record: UnitRecord
  private let plan: UnitPlan
  private let log: Logger
  private var relays: [PublishedPort: PublishedPortRelay] = [:]
  private var failures: [PublishedPort: String] = [:]
  private var retry: Timer?

  init(record: UnitRecord, plan: UnitPlan, log: Logger) {
    self.record = record
    self.plan = plan
    self.log = log
  }

  /// Opens what is not open yet.
  func open() {
    for published in record.publishes where relays[published] == nil {
      do {
        relays[published] = try relay(published)
        failures[published] = nil
        log.info("port is published", metadata: ["port": "\(published)"])
      } catch {
        let why = "\(error)"
        if failures.updateValue(why, forKey: published) != why {
          log.error("port is not published", metadata: ["port": "\(published)", "why": "\(why)"])
        }
      }
    }
    do {
      try FileSystem.write(state.text + "\n", to: record.directory.portsState)
    } catch {
      log.error("state of the ports is not written", metadata: ["why": "\(error)"])
    }
    retry = failures.isEmpty ? nil : Loop.after(Self.retryInterval) { [weak self] in self?.open() }
  }

  func close() {
    retry?.cancel()
    for relay in relays.values { relay.stop() }
    relays = [:]
  }

  private var state: JSON {
    let outcomes = record.publishes.map { ($0.description, JSON(failures[$0])) }
    return JSON([String: JSON](uniqueKeysWithValues: outcomes))
  }

  private func relay(_ published: PublishedPort) throws -> PublishedPortRelay {
    let (namespace, target): (String, SocketAddress) =
      switch published.target {
      case .server: (plan.gateway.namespace, plan.apiServer)
      case .edge:
        (plan.client.namespace, SocketAddress(plan.ingressVIP, port: published.port))
      case .address(let address):
        (plan.client.namespace, SocketAddress(address, port: published.port))
      }
    return try PublishedPortRelay(
      hostPort: published.hostPort, namespace: namespace, target: target)
  }

  /// Why ports of `record` are not open, a line each.
  static func problems(of record: UnitRecord) -> [String] {
    let text = try? FileSystem.readText(record.directory.portsState)
    guard let state = text.flatMap({ try? JSON(parsing: $0) }) else {
      return record.publishes.isEmpty ? [] : ["no port is open yet"]
    }
    return record.publishes.compactMap { published in
      guard let outcome = state.object?[published.description] else {
        return "\(published): not open yet"
      }
      return outcome.string.map { "\(published): \($0)" }
    }
  }
}
