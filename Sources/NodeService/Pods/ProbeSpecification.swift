import Kubernetes
import NetTypes

/// What to do to a container: the handlers of probes and of lifecycle hooks.
package enum LifecycleHandler: Hashable, Sendable {
  case exec([String])
  /// Host nil means the pod's own address.
  case http(HTTPGet)
  case tcp(host: String?, port: UInt16)
  case grpc(port: UInt16, service: String)
  case sleep(Duration)

  package struct HTTPGet: Hashable, Sendable {
    package var isTLS: Bool
    package var host: String?
    package var port: UInt16
    package var path: String
    package var headers: [[String]]
  }

  /// Nil if there is no handler, or none that can be carried out.
  package init?(json: JSON, ports: [ContainerSpecification.Port]) {
    func port(_ json: JSON) -> UInt16? {
      switch IntOrString(json: json) {
      case .int(let number): UInt16(exactly: number)
      case .string(let name): ports.first { $0.name == name }?.number ?? UInt16(name)
      case nil: nil
      }
    }
    if let command = json.at("exec.command").array {
      self = .exec(command.compactMap(\.string))
    } else if json["httpGet"].object != nil {
      let get = json["httpGet"]
      guard let number = port(get["port"]) else { return nil }
      let path = get["path"].string ?? "/"
      self = .http(
        HTTPGet(
          isTLS: get["scheme"].string == "HTTPS", host: get["host"].string, port: number,
          path: path.hasPrefix("/") ? path : "/" + path,
          headers: get["httpHeaders"].elements.map {
            [$0["name"].string ?? "", $0["value"].string ?? ""]
          }))
    } else if json["tcpSocket"].object != nil {
      guard let number = port(json.at("tcpSocket.port")) else { return nil }
      self = .tcp(host: json.at("tcpSocket.host").string, port: number)
    } else if json["grpc"].object != nil {
      guard let number = port(json.at("grpc.port")) else { return nil }
      self = .grpc(port: number, service: json.at("grpc.service").string ?? "")
    } else if let duration = Duration.seconds(json: json.at("sleep.seconds")) {
      self = .sleep(duration)
    } else {
      return nil
    }
  }
}

/// A probe and its thresholds, with Kubernetes' defaults.
package struct ProbeSpecification: Hashable, Sendable {
  package enum Kind: String, Sendable, CaseIterable, CustomStringConvertible {
    case startup, liveness, readiness

    package var description: String { rawValue }
    /// `Readiness probe failed: …` begins so.
    var title: String {
      switch self {
      case .startup: "Startup"
      case .liveness: "Liveness"
      case .readiness: "Readiness"
      }
    }
  }

  package let handler: LifecycleHandler
  package let initialDelay: Duration
  package let period: Duration
  package let timeout: Duration
  package let successThreshold: Int
  package let failureThreshold: Int
  /// Overrides the pod's grace when this probe kills its container.
  package let terminationGrace: Duration?

  package init?(json: JSON, ports: [ContainerSpecification.Port]) {
    guard let handler = LifecycleHandler(json: json, ports: ports) else { return nil }
    func positive(_ key: String, _ standard: Int) -> Int {
      json[key].int.flatMap { (1...1_000_000_000).contains($0) ? $0 : nil } ?? standard
    }
    self.handler = handler
    initialDelay = .seconds(json: json["initialDelaySeconds"]) ?? .zero
    period = .seconds(positive("periodSeconds", 10))
    timeout = .seconds(positive("timeoutSeconds", 1))
    successThreshold = positive("successThreshold", 1)
    failureThreshold = positive("failureThreshold", 3)
    terminationGrace = .seconds(json: json["terminationGracePeriodSeconds"])
  }
}

/// What one run of a probe found.
package enum ProbeResult: Hashable, Sendable {
  case success
  /// With the text an event shows.
  case failure(String)
}
