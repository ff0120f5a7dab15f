import Glibc
import Intent
import KubeClient
import Linux

/// Which cluster calicoctl's commands speak to.
///
///     a unit named ─▶ --config FILE ─▶ /etc/calico/calicoctl.cfg ─▶ KUBECONFIG
///                  ─▶ the only unit here ─▶ ~/.kube/config
package struct CalicoConnection: Sendable {
  /// A unit's name.
  package var unit: String?
  /// A file of kind CalicoAPIConfig.
  package var configuration: String?
  /// A context of the kubeconfig.
  package var context: String?

  package init(unit: String? = nil, configuration: String? = nil, context: String? = nil) {
    self.unit = unit
    self.configuration = configuration
    self.context = context
  }

  private enum Target {
    case unit(UnitRecord)
    case kubeconfig(String, context: String?)
  }

  private func target() throws -> Target {
    if let unit { return .unit(try UnitRegistry.find(unit)) }
    let path =
      configuration
      ?? (FileSystem.exists(CalicoAPIConfig.defaultPath) ? CalicoAPIConfig.defaultPath : nil)
    if let path {
      let file = try CalicoAPIConfig(parsing: try FileSystem.readText(path), file: path)
      if let kubeconfig = file.kubeconfig {
        return .kubeconfig(kubeconfig, context: context ?? file.context)
      }
    }
    if let text = environment("KUBECONFIG"), let first = text.split(separator: ":").first {
      return .kubeconfig(String(first), context: context)
    }
    let units = try UnitRegistry.names()
    if units.count == 1 { return .unit(try UnitRegistry.find(units[0])) }
    if let home = environment("HOME"), FileSystem.exists(home + "/.kube/config") {
      return .kubeconfig(home + "/.kube/config", context: context)
    }
    throw UnitError(
      units.isEmpty
        ? "no cluster: --name UNIT, --config FILE or KUBECONFIG says which"
        : "which unit? --name: there are \(units.joined(separator: ", "))")
  }

  private func environment(_ name: String) -> String? {
    getenv(name).flatMap { $0.pointee == 0 ? nil : String(cString: $0) }
  }

  @Loop package func client() throws -> CalicoClient {
    let api: KubeClient
    switch try target() {
    case .unit(let record): api = try KubeClient.of(record, try UnitPlan(record.configuration))
    case .kubeconfig(let path, let context):
      api = try KubeClient(kubeconfig: .read(path, context: context))
    }
    api.userAgent = "calicoctl"
    return CalicoClient(api: api)
  }

  /// The unit that is meant, for what only a unit can tell.
  package func record() throws -> UnitRecord {
    if case .unit(let record) = try target() { return record }
    return try UnitRegistry.find(nil)
  }
}
