/// Where a unit's files live, or a mesh's.
///
/// State survives a reboot; the runtime folder need not.
/// ```
/// /var/lib/atoll/UNIT/  unit.json  kubeconfig  pki/  manifests/  server/  edge/  dns/  host/  nodes/ROLE/  logs/
/// /var/lib/atoll/images/                       shared by all units
/// /run/atoll/UNIT/      supervisor.pid  ports.json  roles/NAME.pid  edge.drained  edge.sock  dns.sock  host.sock  nodes/ROLE/
/// /var/lib/atoll/MESH/  mesh.json  pki/  names/VOTER.json  wan/  CLIENT/  logs/
/// /run/atoll/UNIT.lock  held by a command that changes the unit
/// /run/atoll/.lock      held by a command that chooses networks and ports
/// ```
package struct UnitDirectory: Hashable, Sendable {
  package static let stateRoot = "/var/lib/atoll"
  package static let runtimeRoot = "/run/atoll"
  package static let images = stateRoot + "/images"

  package let unit: String

  package init(unit: String) { self.unit = unit }

  package var state: String { "\(Self.stateRoot)/\(unit)" }
  package var runtime: String { "\(Self.runtimeRoot)/\(unit)" }

  package var record: String { state + "/unit.json" }
  package var meshRecord: String { state + "/mesh.json" }
  /// What a voter of the mesh is told of the others.
  package func names(of voter: String) -> String { "\(state)/names/\(voter).json" }
  package var kubeconfig: String { state + "/kubeconfig" }
  package var manifests: String { state + "/manifests" }
  package var server: String { state + "/server" }
  package var edge: String { state + "/edge" }
  package var dns: String { state + "/dns" }
  /// The folder of a router's configuration: the edge's, or the host's.
  package func router(_ role: Role) -> String { "\(state)/\(role.name)" }
  package func routerConfiguration(of role: Role) -> String { router(role) + "/router.conf" }
  package var logs: String { state + "/logs" }
  package var supervisorPID: String { runtime + "/supervisor.pid" }
  package var portsState: String { runtime + "/ports.json" }
  package var lock: String { "\(Self.runtimeRoot)/\(unit).lock" }
  static let registryLock = runtimeRoot + "/.lock"
  package var edgeSocket: String { socket(of: "edge") }
  package var dnsSocket: String { socket(of: "dns") }
  /// The control socket of a router, or of the name service.
  package func socket(of router: String) -> String { "\(runtime)/\(router).sock" }

  package func log(of process: String) -> String { "\(logs)/\(process).log" }
  package func pidFile(of process: String) -> String { "\(runtime)/roles/\(process).pid" }
  /// There while a role is drained and so not to be started.
  package func drainMark(of process: String) -> String {
    "\(runtime)/\(process)\(Self.drainSuffix)"
  }
  static let drainSuffix = ".drained"
  package func nodeState(_ role: Role) -> String { "\(state)/nodes/\(role.name)" }
  package func nodeRuntime(_ role: Role) -> String { "\(runtime)/nodes/\(role.name)" }
  /// The control socket of a node's router.
  package func nodeSocket(_ role: Role) -> String { nodeRuntime(role) + "/node.sock" }
  package func certificate(_ name: String) -> String { "\(state)/pki/\(name).crt" }
  package func key(_ name: String) -> String { "\(state)/pki/\(name).key" }
  package func kubeconfig(of identity: String) -> String { "\(state)/pki/\(identity).kubeconfig" }
}
